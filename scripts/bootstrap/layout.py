"""Where things lie: one venv and one build per ROS distribution."""

from dataclasses import dataclass
from pathlib import Path

DISTROS = ("jazzy", "kilted")


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of the workspace for one distribution; the default one has the usual colcon folders."""

    root: Path
    distro: str = "jazzy"

    @property
    def venv(self) -> Path:
        """The virtual environment, which is the ROS prefix as well."""
        return self.root / (".venv" if self.distro == "jazzy" else f".venv-{self.distro}")

    @property
    def python(self) -> Path:
        """The venv's interpreter."""
        return self.venv / "bin" / "python"

    @property
    def products(self) -> Path:
        """The folder that holds build, install and log."""
        return self.root if self.distro == "jazzy" else self.venv / "ws"

    @property
    def stamps(self) -> Path:
        """The file with what has been done."""
        return self.venv / "dust-setup.json"

    def site_packages(self) -> Path:
        """Return the venv's site-packages."""
        return next((self.venv / "lib").glob("python3.*/site-packages"))
