"""Text of a job as the coder sees it: cleaned, keyed for exact match, expanded, shortened.

Pure functions of strings; what is done to a text at training time is done by the same function at serving time.
"""

import re
import unicodedata
from functools import lru_cache

# Vacancy titles carry who may apply and how one works there; neither says what the work is.
_GENDER = re.compile(
    r"[(\[]\s*(?:[mwfdxhvn]\s*[/|,*-]\s*){1,3}[mwfdxhvn]\s*[)\]]|\b[mwfdx]\s*/\s*[mwfdx](?:\s*/\s*[mwfdx])?\b",
    re.IGNORECASE,
)
_TERMS = re.compile(
    r"\b(?:full|part)[\s-]?time\b|(?:^|(?<=[-–|,(/:]))\s*(?:hybrid|remote)(?=\s*(?:$|[-–|,)/:]))|\bwork from home\b|\bwfh\b|\burgent(?:ly)?\b|\bimmediate start\b"
    r"|\b(?:we are )?(?:now )?hiring\b|\bno experience(?: needed| required| necessary)?\b|\btemp to perm\b|\bmultiple openings\b"
    r"|\b(?:job|req|ref|vacancy)\s*(?:id|no|nr|number|code)?\s*[:#]?\s*[a-z]{0,4}-?\d{3,}\b"
    r"|[$£€₹]\s?\d[\d,.]*k?(?:\s*(?:-|–|to)\s*[$£€₹]?\s?\d[\d,.]*k?)?(?:\s*(?:/|per|an?)\s*(?:hour|hr|year|yr|week|month|annum))?",
    re.IGNORECASE,
)
# Words and the marks between them, one space at a time, nothing at the edges. No gender marker can be in it, and no vacancy term
# without one of the signs.
_SIMPLE = re.compile(r"[A-Za-z](?:[A-Za-z,.'&+-]| (?! ))*(?<=[A-Za-z.+])")
_TERM_SIGNS = re.compile("time|hybrid|remote|home|wfh|urgent|start|hiring|experience|perm|openings")
_THREE_DIGITS = re.compile(r"\d{3}")
_EMPTY_BRACKETS = re.compile(r"[(\[]\s*[-,/|;:]*\s*[)\]]")
# A leading "#" is a bullet, a trailing one is C#.
_EDGES = re.compile(r"^[\s\-–—,;:/|*#.!]+|[\s\-–—,;:/|*!]+$")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]{0,60}>")
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^\w+#]+")
_SENTENCE = re.compile(r"(?<=[.!?;•·])\s+|\s*[•·▪●]\s*|\s+[-*]\s+(?=[A-Za-z])|\n+")

# What is longer is read up to here: no title and no account of duties has more to say.
TITLE_LENGTH = 300
DUTIES_LENGTH = 50_000

_ABBREVIATIONS = {
    "acct": "accountant", "accts": "accounts", "admin": "administrative", "asst": "assistant", "assoc": "associate",
    "asso": "associate", "attdt": "attendant", "bldg": "building", "chem": "chemical", "co-ord": "coordinator", "coord": "coordinator",
    "cust": "customer", "dept": "department", "dev": "developer", "dir": "director", "drvr": "driver", "ece": "early childhood educator",
    "elec": "electrical", "eng": "engineer", "engr": "engineer", "exec": "executive", "fitr": "fitter", "gen": "general", "govt": "government",
    "hgv": "heavy goods vehicle", "hr": "human resources", "hrd": "human resources development", "inst": "institute", "instr": "instructor",
    "jr": "junior", "lab": "laboratory", "lgv": "large goods vehicle", "maint": "maintenance", "mfg": "manufacturing", "mgmt": "management",
    "mgr": "manager", "mktg": "marketing", "mech": "mechanical", "offr": "officer", "opr": "operator", "op": "operator", "ops": "operations",
    "prod": "production", "prof": "professor", "qa": "quality assurance", "qc": "quality control", "rep": "representative", "rec": "recreation",
    "rn": "registered nurse", "sec": "secretary", "sr": "senior", "snr": "senior", "supv": "supervisor", "supvr": "supervisor", "svc": "service",
    "svcs": "services", "tchr": "teacher", "tech": "technician", "techn": "technician", "uni": "university", "veh": "vehicle", "whse": "warehouse",
    "wkr": "worker",
}  # fmt: skip

# Answers that survey files hold where an occupation should stand: situations, refusals, fillers.
_NOT_OCCUPATIONS = {
    "economically inactive": "not working",
    "retired": "retired", "pensioner": "retired", "retiree": "retired", "on pension": "retired", "old age": "retired",
    "unemployed": "not working", "jobless": "not working", "no job": "not working", "not working": "not working", "do not work": "not working",
    "dont work": "not working", "i dont work": "not working", "i do not work": "not working", "without work": "not working", "no work": "not working",
    "looking for work": "not working", "never worked": "not working", "not employed": "not working", "inactive": "not working",
    "looking for a job": "not working", "job seeker": "not working", "jobseeker": "not working", "out of work": "not working",
    "student": "in education", "pupil": "in education", "studying": "in education", "at school": "in education", "in school": "in education",
    "school": "in education", "university student": "in education", "full time student": "in education", "student full time": "in education",
    "housewife": "own household", "househusband": "own household", "homemaker": "own household", "home maker": "own household",
    "stay at home mum": "own household", "stay at home mom": "own household", "stay at home dad": "own household", "house wife": "own household",
    "disabled": "unable to work", "unable to work": "unable to work", "sick": "unable to work", "permanently sick": "unable to work",
    "refused": "refused", "refusal": "refused", "prefer not to say": "refused", "confidential": "refused", "secret": "refused",
    "dont know": "not known", "do not know": "not known", "dk": "not known", "unknown": "not known", "not known": "not known", "idk": "not known",
    "not stated": "not known", "missing": "not known", "unspecified": "not known", "not specified": "not known", "no answer": "not known",
    "na": "no answer", "n a": "no answer", "none": "no answer", "nil": "no answer", "nothing": "no answer", "null": "no answer", "nan": "no answer",
    "not applicable": "no answer", "no": "no answer", "yes": "no answer", "blank": "no answer", "tbd": "no answer", "tba": "no answer",
    "test": "no answer", "asdf": "no answer", "qwerty": "no answer", "xxx": "no answer", "xx": "no answer", "x": "no answer",
    "various": "too general", "anything": "too general", "everything": "too general", "any job": "too general", "any work": "too general",
    "job": "too general", "work": "too general", "working": "too general", "employee": "too general", "employed": "too general", "worker": "too general",
    "staff": "too general", "self employed": "too general", "selfemployed": "too general", "freelancer": "too general", "freelance": "too general",
    "business": "too general", "own business": "too general", "businessman": "too general", "business man": "too general",
    "businesswoman": "too general", "boss": "too general", "private sector": "too general", "government": "too general",
    "public sector": "too general", "civil servant": "too general", "company": "too general", "office": "too general", "other": "too general",
    "contractor": "too general", "casual": "too general", "part time": "too general", "full time": "too general", "intern": "too general",
    "trainee": "too general", "apprentice": "too general", "volunteer": "too general",
}  # fmt: skip


# Reasons that say nothing about the person, so that another field may still tell.
_RESCUED = ("no text", "no words", "no answer", "not known", "too general")


def says_nothing(text: str) -> bool:
    """Whether a field is empty or a filler: "n/a", "-", "unknown", a number."""
    return _field_reason(text) in ("no text", "no words", "no answer", "not known", "refused")


def clean(text: str) -> str:
    """The text in NFKC, control characters turned into spaces, invisible ones dropped, white space folded.

    >>> clean("Nurse\\x00\\u200b  (ward\\t3)")
    'Nurse (ward 3)'
    """
    text = unicodedata.normalize("NFKC", text)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "" if c == "\x00" or unicodedata.category(c) == "Cf" else " " for c in text)
    return _SPACE.sub(" ", text).strip()


def plain(text: str) -> str:
    """The cleaned text without HTML tags and pictures; no tag of a tokenizer's own can come in by it either.

    >>> plain("<b>Nurse</b> \U0001f469 <s>")
    'Nurse'
    """
    if text.isascii() and text.isprintable() and "<" not in text and "  " not in text:
        return text.strip()
    text = clean(_TAGS.sub(" ", clean(text)))
    if not text.isascii():
        text = clean("".join(" " if unicodedata.category(c) == "So" else c for c in text))
    return text


def clean_lines(text: str) -> str:
    """Like `clean`, but line breaks stay: they end sentences in pasted advertisements."""
    return "\n".join(line for line in (clean(part) for part in text.splitlines()) if line)


def key(text: str) -> str:
    """The key under which two titles count as the same: case, accents, punctuation and gender markers dropped.

    >>> key("Sous-Chef (m/f/d)") == key("sous chef")
    True
    >>> key("C++ developer"), key("C developer")
    ('c++ developer', 'c developer')
    """
    return _short_key(text) if len(text) <= 120 else _key(text)


def _key(text: str) -> str:
    if not _may_have_markers(text):
        # The same in fewer steps: no gender marker, no accent. A service has the titles of its whole index to key when it starts.
        text = text.lower().replace("'", "")
        words = text.replace(" ", "").isalnum() and "  " not in text
        return (text if words else _NOT_WORD.sub(" ", text)).strip()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", _GENDER.sub(" ", text)).casefold())
    text = "".join(c for c in text if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    return _NOT_WORD.sub(" ", text).strip()


def _may_have_markers(text: str) -> bool:
    """Whether a text may hold accents, or a gender marker, none of which is without a bracket or a stroke."""
    return not text.isascii() or "(" in text or "/" in text or "[" in text


# Titles come again and again, descriptions do not: only short texts are remembered.
_short_key = lru_cache(maxsize=65536)(_key)


def uninvert(title: str) -> str:
    """An index entry turned round: what stands behind the comma goes before the noun.

    >>> uninvert("Writer, technical"), uninvert("Lecturer, university: history"), uninvert("plumber")
    ('technical writer', 'university lecturer history', 'plumber')
    """
    main, _, tail = title.partition(":")
    parts = [part.strip() for part in main.split(",") if part.strip()]
    if len(parts) < 2:
        return title
    head, rest = parts[0], parts[1:]
    text = " ".join([*reversed(rest), head[:1].lower() + head[1:], tail.strip()])
    return _SPACE.sub(" ", text).strip()


def expand(title: str) -> str:
    """The title with the abbreviations of occupation titles written out.

    >>> expand("Sr. acct mgr"), expand("asst. prod. eng")
    ('senior accountant manager', 'assistant production engineer')
    """
    return " ".join([_ABBREVIATIONS.get(word.casefold().rstrip("."), word) for word in title.split(" ")])


def _is_simple(title: str) -> bool:
    """Whether a title has nothing that `title_text` would drop or rewrite, but abbreviations."""
    return len(title) <= TITLE_LENGTH and _SIMPLE.fullmatch(title) is not None and _TERM_SIGNS.search(title.lower()) is None


def _may_have_terms(text: str) -> bool:
    """Whether a text may hold a vacancy term, none of which is without a sign, a currency or three digits."""
    return not text.isascii() or "$" in text or _TERM_SIGNS.search(text.lower()) is not None or _THREE_DIGITS.search(text) is not None


def title_text(title: str) -> str:
    """The title as it is embedded: cleaned, vacancy terms dropped, abbreviations written out, lower case.

    A title that holds nothing but vacancy terms is left as it is.

    >>> title_text("URGENT: HGV drvr (m/f/d) - full time, £15 per hour")
    'heavy goods vehicle driver'
    """
    if _is_simple(title):
        return expand(title.lower())
    text = plain(title)[:TITLE_LENGTH]
    bare = _GENDER.sub(" ", text) if _may_have_markers(text) else text
    bare = _TERMS.sub(" ", bare) if _may_have_terms(bare) else bare
    bare = _EMPTY_BRACKETS.sub(" ", bare)
    previous = ""
    while bare != previous:
        previous, bare = bare, _EDGES.sub("", _SPACE.sub(" ", bare))
    return expand((bare or text).replace("/", " / ").replace("  ", " ").strip()).lower()


# What an advertisement says about the employer, the pay and the reader, not about the work.
_NOISE = re.compile(
    r"equal opportunit|without regard to|race, colou?r|sexual orientation|veteran|disabilit|accommodation|401\(?k|insurance|paid time off|\bpto\b|"
    r"benefits|salary|per hour|compensation|bonus|years? (?:of )?experience|degree|diploma|ged\b|background check|drug test|apply (?:now|today|online)|"
    r"we offer|our mission|our values|founded in|our company|is a leading|about us|who we are|equal employment|e-verify|covid|vaccin|"
    r"www\.|https?:|@|ability to lift|pounds|must be able to|physical demands|reasonable|click|resume|cv\b|location:|job type:|schedule:|"
    r"fast[- ]growing|fastest growing|our culture|join our|visa|relocation|posted|closing date|years? old|driver'?s licen[cs]e",
    re.IGNORECASE,
)
# Verbs that open a statement of duties.
_DUTY = re.compile(
    r"\b(?:responsib|dut(?:y|ies)|you will|will be|perform|maintain|prepar|operat|assist|provid|manag|develop|design|support|monitor|conduct|"
    r"coordinat|install|repair|inspect|clean|serv|sell|teach|train|supervis|plan|analy[sz]|creat|process|review|test|drive|deliver|load|"
    r"assembl|build|treat|assess|care|cook|greet|answer|schedul|record|report|ensur|lead|direct|implement|handl|stock|pack|cut|weld|grow|"
    r"feed|write|edit|advis|negotiat|audit|diagnos|administer|collect|process)",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """The sentences, bullets and lines of a text, cleaned, empty ones dropped."""
    return [s for s in (clean(part) for part in _SENTENCE.split(clean_lines(text))) if s]


def duties_text(duties: str, words: int = 64) -> str:
    """The most telling sentences of a description, in their order, up to `words` words, lower case.

    A description within the budget comes back whole. A longer one keeps the sentences that speak of work (verbs of duty) and drops
    those that speak of the employer, the pay and the applicant: an advertisement opens with the company and closes with the law,
    so cutting it at a length keeps the wrong part.

    >>> duties_text("We sell shoes.")
    'we sell shoes.'
    """
    text = plain(duties)
    if len(text.split(" ")) <= words:
        return text.lower()
    parts = sentences(_TAGS.sub(" ", clean_lines(duties)[:DUTIES_LENGTH]))
    score = [
        min(len(_DUTY.findall(part)), 4) - 3.0 * bool(_NOISE.search(part)) - 0.02 * i - 0.02 * max(len(part.split()) - 40, 0)
        for i, part in enumerate(parts)
    ]
    chosen: list[int] = []
    left = words
    for i in sorted(range(len(parts)), key=lambda i: (-score[i], i)):
        if left <= 0:
            break
        chosen.append(i)
        left -= len(parts[i].split())
    picked = " ".join(parts[i] for i in sorted(chosen)).split(" ")
    return " ".join(picked[: words + words // 2]).lower()


def joined_text(title: str, duties: str) -> str:
    """Title and duties as one text, the form in which the encoder learned whole records; either may be empty."""
    return f"{title}. {duties}" if title and duties else title or duties


def not_codable(title: str, duties: str) -> str:
    """Why a record names no occupation, or an empty string where it may name one.

    Duties that say something rescue an empty or general title, and a title rescues such duties; a title that says why there is no
    occupation (retired, in education, refused) stands whatever the duties are.

    >>> not_codable("", "  "), not_codable("Retired", ""), not_codable("12345", "--"), not_codable("plumber", "")
    ('no text', 'retired', 'no words', '')
    >>> not_codable("employee", "repairs bicycles in a workshop")
    ''
    """
    if not title.strip() and not duties.strip():
        return "no text"
    reasons = [_field_reason(field) for field in (title, duties)]
    if reasons[0] and reasons[0] not in _RESCUED:
        return reasons[0]
    if all(reasons):
        return next(reason for reason in reasons if reason != "no text")
    return ""


def _field_reason(field: str) -> str:
    k = key(clean(field[:TITLE_LENGTH]))
    if not field.strip():
        return "no text"
    if sum(c.isalpha() for c in k) < 2:
        return "no words"
    if k in _NOT_OCCUPATIONS:
        return _NOT_OCCUPATIONS[k]
    letters = k.replace(" ", "")
    if len(letters) > 2 and len(set(letters)) == 1:
        return "no words"
    return ""
