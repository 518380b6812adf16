"""What the recorder's status means for the operator, in lines as it changes."""

import json
from dataclasses import dataclass, field


@dataclass(slots=True)
class RecorderWords:
    """Turns the recorder's status (JSON) into what is new in it."""

    _faults: set[str] = field(default_factory=set)
    _episode: str = ""
    _saved: str = ""
    _trouble: str = ""

    def lines(self, status: str) -> list[str]:
        """Return what is new; a status of another form says nothing."""
        try:
            content = json.loads(status)
            return self._new(content)
        except (ValueError, KeyError, TypeError, AttributeError):
            return []

    def _new(self, content: dict) -> list[str]:
        lines = []
        episode = content.get("episode_id", "")
        if episode != self._episode:
            self._episode, self._faults = episode, set()
        for fault in content.get("faults", []):
            if fault not in self._faults:
                self._faults.add(fault)
                lines.append(f"recorder: THIS TAKE IS BAD: {fault}")
        trouble, before = content.get("trouble", ""), self._trouble
        self._trouble = trouble
        if trouble and trouble != before:
            lines.append(f"recorder: {trouble}")
        last = content.get("last") or {}
        if last and last["episode_id"] != self._saved:
            self._saved = last["episode_id"]
            verdict = f"faulty: {'; '.join(last['faults'])}" if last["faults"] else "no faults"
            lines.append(f"recorder: saved {last['seconds']:.1f} s to {last['folder']}, {verdict}")
        return lines
