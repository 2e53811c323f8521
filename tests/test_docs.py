"""The documents say what the build does."""

import re
from pathlib import Path

from edgemood import features

ROOT = Path(__file__).resolve().parents[1]
DESCRIPTORS = (ROOT / "docs" / "descriptors.md").read_text()


def test_every_descriptor_is_defined():
    numbered = {"mfcc_0": "mfcc_i", "log_mel_0": "log_mel_j", "band_level_1": "band_level_b", "chroma_0": "chroma_c"}
    numbered |= {"mel_envelope_1": "mel_envelope_g", "relative_chroma_0": "relative_chroma_i"}
    numbered |= {"chroma_interval_1": "chroma_interval_k", "modulation_1_1": "modulation_g_b"}
    for descriptor in (*features.descriptors(), *features.segment_descriptors()):
        name = numbered.get(descriptor.name, descriptor.name)
        assert f"`{name}`" in DESCRIPTORS, f"docs/descriptors.md does not define {name}"


def test_every_functional_is_defined():
    start = DESCRIPTORS.index("## Functionals over the frames of a segment")
    section = DESCRIPTORS[start : DESCRIPTORS.index("## Descriptors of a segment")]
    defined = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]*)`", section))))
    assert set(features.functionals()) <= defined


def test_the_table_is_complete():
    for d in (*features.descriptors(), *features.segment_descriptors()):
        assert d.unit and d.summary and d.source
        assert d.minimum < d.maximum


def test_lld50_is_the_methods():
    names = features.set_names("lld50")
    assert len(names) == len(set(names)) == 50
    groups = {"mfcc": 18, "spectral": 5, "hnr": 1, "formant": 2, "energy": 10, "f0": 6, "zcr": 8}
    for stem, count in groups.items():
        assert sum(name.split("_")[0] == stem for name in names) == count


def test_the_other_sets_have_as_many_columns_as_said():
    for name, count in re.findall(r"## Set `(\w+)`: (\d+) columns", DESCRIPTORS):
        assert len(features.set_names(name)) == int(count)
    assert "## Set `lld84`: 84 columns" in DESCRIPTORS
    assert "## Set `harmony`: 29 columns" in DESCRIPTORS


def test_the_table_of_lld50_names_its_columns_in_order():
    table = DESCRIPTORS[DESCRIPTORS.index("## Set `lld50`") :]
    named = re.findall(r"`([a-z0-9]+_[a-z0-9_]+)`", table[table.index("| # |") :])
    first, last = named.index("mfcc_1_mean"), named.index("mfcc_18_mean")
    named[first : last + 1] = [f"mfcc_{i}_mean" for i in range(1, 19)]
    assert tuple(named[:50]) == features.set_names("lld50")
