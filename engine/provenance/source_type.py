"""What kind of picture a clip is, in the words of the IPTC: they decide its label and its credentials."""

from __future__ import annotations

from enum import StrEnum

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class SourceType(StrEnum):
    """The two kinds that we make; a clip that no trained model shaped is not made (DESIGN.md)."""

    GENERATED = "trainedAlgorithmicMedia"
    MODIFIED = "compositeWithTrainedAlgorithmicMedia"

    @classmethod
    def named(cls, digital_source_type: str) -> SourceType:
        """The short word or the full IPTC address. Raises ValueError for any other kind."""
        return cls(digital_source_type.removeprefix(IPTC))

    @property
    def uri(self) -> str:
        return IPTC + self.value
