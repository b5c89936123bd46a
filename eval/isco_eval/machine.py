"""What figures of speed depend on: the machine, and the versions of what computed them."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from isco_rag.wiring import processors

PACKAGES = ("onnxruntime", "faiss-cpu", "numpy", "duckdb")
# Instruction sets by which int8 models run at different speeds and round differently, the fastest first, by their names in /proc/cpuinfo.
INSTRUCTIONS = {
    "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX-VNNI", "avx512bw": "AVX-512", "avx2": "AVX2", "i8mm": "NEON int8 matrix products",
    "asimddp": "NEON dot products",
}  # fmt: skip


def machine(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """The machine and the versions of these packages, those that are installed; what the system does not tell is left out.

    `instructions` are those for products of 8-bit numbers, on which the speed of the shipped models hangs.
    """
    told = {
        "processor": _told("/proc/cpuinfo", "model name"), "processors": str(processors()), "instructions": _instructions(),
        "memory": _memory(), "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(),
    }  # fmt: skip
    return {name: value for name, value in {**told, **{name: _version(name) for name in packages}}.items() if value}


def said(found: dict[str, str]) -> str:
    """The machine in words, without packages.

    >>> said({"processor": "AMD EPYC", "processors": "2", "instructions": "AVX2", "system": "Linux x86_64", "python": "3.11.7"})
    'AMD EPYC, 2 cores used, AVX2, Linux x86_64, Python 3.11.7'
    """
    parts = (
        found.get("processor"), f"{found['processors']} cores used", found.get("instructions"), found.get("memory"), found["system"],
        f"Python {found['python']}",
    )  # fmt: skip
    return ", ".join(part for part in parts if part)


def instructions(flags: str) -> str:
    """The fastest instructions for products of 8-bit numbers among a processor's flags; empty where there are none.

    >>> instructions("sse4_2 avx2 avx512_vnni"), instructions("fpu sse2")
    ('AVX-512 VNNI', '')
    """
    known = set(flags.split())
    return next((name for flag, name in INSTRUCTIONS.items() if flag in known), "")


def _instructions() -> str:
    return instructions(_told("/proc/cpuinfo", "flags") or _told("/proc/cpuinfo", "Features"))


def _memory() -> str:
    told = _told("/proc/meminfo", "MemTotal").split()
    return f"{int(told[0]) / 2**20:.0f} GB" if told else ""


def _told(path: str, name: str) -> str:
    """What a line of a file under /proc says; empty where the system has no such file."""
    lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
