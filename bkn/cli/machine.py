"""What results were made with, in words that name nobody: the device's name and versions."""

import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("torch", "numpy", "scipy")
CPU_FACTS = Path("/proc/cpuinfo")


def require_device(name: str) -> None:
    """Refuse a device that this machine lacks; torch only where it matters.

    Raises:
        ValueError: naming the devices that are here.
    """
    if name not in ("auto", "cpu"):
        import_module("bkn.training.device").resolve(name)


def device_name() -> str:
    """The kind of accelerator that training takes by itself, else the processor's."""
    import torch

    from bkn.training.device import resolve

    device = resolve("auto")
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()


def cpu_name() -> str:
    """The processor's model where the system tells it, else "CPU"."""
    try:
        lines = CPU_FACTS.read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(filter(None, models), platform.processor() or "CPU")


def versions() -> str:
    """Python's and those of the packages that compute: "Python 3.11.7, torch 2.11.0"."""
    told = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            told.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            told.append(f"{package} of unknown version")
    return ", ".join(told)
