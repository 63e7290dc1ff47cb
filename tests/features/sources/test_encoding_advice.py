"""An encoding is proposed only if the whole file reads as plausible text in it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from features.sources.config import SourcesConfig
from features.sources.encoding_advice import propose, remedy
from features.sources.reading import read_tables
from features.sources.text_plausibility import chinese_japanese_korean, cyrillic, has_controls, latin

TEXTS = [
    ("cp1252", "id,who\nL1,Besançon\nL2,Peña\n"),
    ("cp1252", "who\nMüller\nGroß\nJörg\n"),
    ("cp1252", "note\nprix: 100 €\n"),
    ("cp1252", "city\nSão João\nAção\n"),
    ("cp1252", "who\nMÜLLER\nÉTÉ\n"),
    ("cp1250", "who\nKowalski Łukasz\nŚwiętosława\nżółty\n"),
    ("cp1250", "who\nDvořák\nKříž\nNováček\n"),
    ("cp1254", "who\nİstanbul şoför ağaç\nçığ\n"),
    ("cp1251", "имя,цвет\nИванов,белый\nПетров,Красный\n"),
    ("koi8-r", "имя,цвет\nИванов,белый\nПетров,Красный\n"),
    ("gb18030", "id,区域\n1,华东\n2,华南\n"),
    ("gb18030", "id,who\nL1,张伟\nL2,王芳\nL3,娜\n"),
    ("gb18030", "note\n张伟 X5 4s店\n"),
    ("big5", "姓名,地區\n陳怡君,臺北\n林志豪,高雄\n"),
    ("shift_jis", "名前,車種\n田中,トヨタ\n鈴木,ホンダ\n"),
    ("euc_jp", "名前,車種\n田中さん,トヨタ\n鈴木,ホンダ\n"),
    ("euc_kr", "이름,차종\n김철수,현대 소나타\n박영희,기아\n"),
    ("utf-16-le", "id,who\n1,华东\n"),
    ("utf-16-be", "id,who\n1,x\n"),
    ("utf-8", "id,who\n1,é\n"),
]


@pytest.mark.parametrize(("encoding", "text"), TEXTS)
def test_the_encoding_of_a_text_is_the_first_proposal(encoding: str, text: str) -> None:
    proposals = propose(lambda: io.BytesIO(text.encode(encoding)))
    assert proposals[0].encoding == encoding
    assert not {p.encoding for p in proposals} & {"gb18030", "big5"} - {encoding}


def test_two_encodings_that_fit_equally_are_both_named_with_a_line_that_differs() -> None:
    text = "a\nLe “client”\nn’a pas répondu – à rappeler\n".encode("cp1252")
    both = remedy(propose(lambda: io.BytesIO(text)), shows_text=True)
    assert both == (
        "set `encoding: cp1252` (line 3 is 'n’a pas répondu – à rappeler') or `encoding: cp1250` "
        "(line 3 is 'n’a pas répondu – ŕ rappeler'), whichever is right"
    )
    hidden = remedy(propose(lambda: io.BytesIO(text)), shows_text=False)
    assert "rappeler" not in hidden and "`encoding: cp1252` or `encoding: cp1250`" in hidden


def test_random_bytes_fit_no_encoding() -> None:
    assert "none of the usual encodings" in remedy(
        propose(lambda: io.BytesIO(bytes(range(128, 256)) * 3)), shows_text=True
    )


def test_an_encoding_must_decode_the_whole_file() -> None:
    assert propose(lambda: io.BytesIO("Peña\n".encode("cp1252") * 100_000 + b"\x81\n")) == []


def test_chinese_characters_inside_latin_words_are_not_plausible() -> None:
    assert chinese_japanese_korean("Besançon Peña".encode("cp1252").decode("gb18030"), "gb18030") == 0
    assert latin("华东".encode("gb18030").decode("cp1252"), "cp1252") == 0
    assert cyrillic("Besançon".encode("cp1252").decode("cp1251")) == 0
    assert has_controls("a\x93b") and not has_controls("a\tb\r\n\x1a")


def test_a_damaged_line_of_a_utf8_file_is_to_be_corrected_and_no_encoding_is_proposed(tmp_path: Path) -> None:
    lines = "".join(f"L{i},2024-01-02,Besançon\n" for i in range(100)).encode()
    damaged = lines.replace("L50,2024-01-02,Besançon".encode(), b"L50,2024-01-02,Besan\xe7on")
    (tmp_path / "a.csv").write_bytes(b"id,created,who\n" + damaged)
    columns = {"lead_id": "id", "created_at": "created", "campaign": "who"}
    config = SourcesConfig.model_validate({"tables": {"leads": {"csv": str(tmp_path / "a.csv"), "columns": columns}}})
    report = read_tables(config, ["leads"], quarantine_folder=tmp_path / "quarantine").reports["leads"]
    assert (report.rows_read, report.rows_valid, report.rows_quarantined) == (100, 99, 1)
    violation = report.violations[0]
    assert violation.sentence.startswith(
        "not valid in its encoding in 1 line, for example line 52 is not valid utf-8 ("
    )
    assert violation.remedy == (
        "the rest of the file is utf-8: correct the characters there, or export the file again as UTF-8"
    )
