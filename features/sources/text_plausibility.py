"""How plausible a decoded text is: a number from 0 to 1 for each script, from its letters outside ASCII."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

# Letters outside ASCII of single languages, lower case. A text of one language uses those of one line.
_WESTERN = (
    "àâæçèéêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõú", "äöüß", "àèéìòù", "äåö", "æøåé", "äëéïöüè",
)  # fmt: skip
_CENTRAL = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîșțşţ", "čćđšž")
_TURKISH = ("çğıöşüâî",)
ALPHABETS = {"cp1252": _WESTERN, "cp1250": _CENTRAL, "cp1254": _TURKISH}

# Signs of price lists, quotations and typography, which stand between words and numbers
_SIGNS = frozenset("€£¥§°«»–—‘’“”„‚…·•©®™²³½¼¾×±µªº¡¿\u00a0‰†")

# Frequent characters: of running text, of names, and of the motor trade
_SIMPLIFIED = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能"
    "好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长知民样现分将外但身些与高意进把"
    "法此实回二理美点月明其种声全工己话儿者向情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西"
    "再平真听世气信北少关并内加化由却代军产入先山五太水万市场价格车辆型号店销售客户金额数量日期合计地区省城区路街号品牌系列"
    "颜色白黑红灰银蓝编单位元姓李王张刘陈杨赵黄周吴徐孙胡朱何郭马罗梁宋郑谢韩唐冯于董程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏"
    "薛叶余潘杜戴夏钟汪田任姜范石姚谭廖邹熊陆郝孔崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎易常武乔贺华南京津重庆广州深圳杭成都"
    "武汉安徽福建河湖浙苏宁波青岛厦门长沙昆明贵阳宝奔驰奥迪丰田本田日产别克雪佛兰吉利比亚迪理想蔚来小鹏特斯拉众标准保养维修"
    "更换机油滤清器轮胎刹车片故障电瓶电池发动机变速箱是否男女微信网站电话首付月供贷款审批通过拒绝逾期状态已未待完成备注国庆"
)
_TRADITIONAL = frozenset(
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可她里後小麼心多天而能好都"
    "然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長知民樣現分將外但身些與高意進把法此"
    "實回二理美點月明其種聲全工己話兒者向情部正名定女問力機給等幾很業最間新什打便位因重被走電四第門相次東政海口使教西再平真"
    "聽世氣信北少關並內加化由卻代軍產入先山五太水萬市場價格車輛型號店銷售客戶金額數量日期合計地區省城路街品牌系列顏色白黑紅"
    "灰銀藍編單位元姓李王張劉陳楊趙黃周吳徐孫胡朱何郭馬羅梁宋鄭謝韓唐馮董程曹袁鄧許傅沈曾彭呂蘇盧蔣蔡賈丁魏薛葉余潘杜戴夏鍾"
    "汪田任姜范石姚譚廖鄒熊陸郝孔崔康毛邱秦江史顧侯邵孟龍段雷錢湯尹黎易常武賴洪詹游簡施柯莊翁台臺灣北南高雄桃園竹苗栗彰化投"
    "雲林嘉義屏宜花香港九龍新界賓士豐裕隆三菱本產福保養維修更換輪胎煞故障電瓶是否男女網站話首付月供貸款核准拒絕逾期狀態已未備註"
)
_HANGUL = frozenset(
    "이다는가의에을하지고기사리자도로인어서아시한나대해은그라정일수부장전니스들여주원보오마구제동차성비관상안공게있미만무조모개"
    "세트실용국소드화연위우경선산방신러과년월문적분김박최강윤임서울현기량색격매판점객호번진천광역남북"
)


def has_controls(text: str) -> bool:
    """Return whether a text has control characters other than tabs, line ends and a final Ctrl-Z.

    Parameters
    ----------
    text : str

    Returns
    -------
    bool

    Examples
    --------
    >>> has_controls("a\\tb\\r\\n"), has_controls("a\\x81")
    (False, True)
    """
    return re.search(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufffd\ufffe]", text) is not None


def latin(text: str, encoding: str) -> float:
    """Return how plausible the accents of a Latin text are.

    Accented letters stand in words of ASCII letters, one or two together, and belong to the alphabet of a language.

    Parameters
    ----------
    text : str
        Decoded text.
    encoding : {'cp1252', 'cp1250', 'cp1254'}
        Its encoding; decides the languages.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> latin("Besançon, Peña", "cp1252")
    0.75
    >>> latin("»ª¶«", "cp1252")
    0.0
    """
    runs = re.findall(r"[^\x00-\x7f]+", text)
    total = sum(map(len, runs))
    long = sum(len(r) for r in runs if len(r) > 3)
    letters = Counter(c for c in text if ord(c) > 127 and c not in _SIGNS)
    foreign = sum(n for c, n in letters.items() if not unicodedata.name(c, "").startswith("LATIN"))
    inside = len(re.findall(r"(?<=[A-Za-z])[€£¥§°«»„…·•©®™²³½¼¾×±µªº¡¿†‰](?=[a-z])", text))
    # Upper case after lower case, as in "muÑo", is no spelling
    shouted = sum(1 for m in re.finditer(r"[a-z]([^\x00-\x7f])(?=[a-z])", text) if m.group(1).isupper())
    alone = len(
        re.findall(
            r"(?<![A-Za-z\x80-\U0010ffff])[^\x00-\x7f]+(?![A-Za-z\x80-\U0010ffff])",
            "".join(" " if c in _SIGNS else c for c in text),
        )
    )
    if not total or long + foreign + inside + shouted > 0.1 * total or alone > 0.3 * len(runs):
        return 0.0
    if not letters:
        return 0.7  # signs alone, such as the euro
    lower = Counter(c for letter, n in letters.items() for c in [letter.lower()] * n)
    n_letters = sum(lower.values())
    shares = [sum(n for c, n in lower.items() if c in alphabet) / n_letters for alphabet in ALPHABETS[encoding]]
    union = sum(n for c, n in lower.items() if any(c in alphabet for alphabet in ALPHABETS[encoding])) / n_letters
    return (union + max(shares)) / 2


def cyrillic(text: str) -> float:
    """Return how plausible the letters of a Cyrillic text are: frequent ones, and capitals only where words begin.

    Parameters
    ----------
    text : str
        Decoded text.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> cyrillic("Тойота, белый цвет") > 0.8, cyrillic("рТЧЕФ") < 0.8
    (True, True)
    """
    others = [c for c in text if ord(c) > 127]
    letters = [c for c in others if "\u0400" <= c <= "\u04ff"]
    if not letters or len(letters) < 0.9 * len(others):
        return 0.0
    words = re.findall(r"[\u0400-\u04ff]+", text)
    mixed = len(re.findall(r"[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]", text))
    if mixed > 0.1 * len(words) or len(letters) < 2 * len(words):
        return 0.0
    cased = sum(len(w) for w in words if w.islower() or w.isupper() or w.istitle())
    frequent = sum(c.lower() in "оеаинтсрвлкмдпуяыьзб" for c in letters)
    return (cased / len(letters)) * min(1.0, frequent / len(letters) / 0.75)


def chinese_japanese_korean(text: str, encoding: str) -> float:
    """Return how plausible the characters of an East Asian text are: common ones, and not single ones in Latin words.

    Parameters
    ----------
    text : str
        Decoded text.
    encoding : {'gb18030', 'big5', 'shift_jis', 'euc_jp', 'euc_kr'}
        Its encoding; decides which characters are common.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> chinese_japanese_korean("华东", "gb18030")
    1.0
    >>> chinese_japanese_korean("Besan鏾n", "gb18030")
    0.0
    """
    runs = list(re.finditer(r"[^\x00-\x7f]+", text))
    total = sum(len(r.group()) for r in runs)
    in_words = sum(
        len(r.group()) <= 2 and re.match("[A-Za-z][a-z]", text[r.start() - 2 : r.start()]) is not None for r in runs
    )
    counts = Counter(c for c in text if ord(c) > 127)
    wide = Counter(
        {c: n for c, n in counts.items() if unicodedata.east_asian_width(c) in "WF" and c not in "\u3000，。、"}
    )
    if not total or in_words > 0.3 * len(runs) or not wide or sum(wide.values()) < 0.7 * total:
        return 0.0
    common = sum(n for c, n in wide.items() if _is_common(c, encoding)) / sum(wide.values())
    if encoding in ("shift_jis", "euc_jp"):
        frequent = sum(n for c, n in wide.items() if "\u3040" <= c <= "\u30ff") / sum(wide.values())
        return common * min(1.0, 0.5 + frequent)
    frequent = sum(n for c, n in wide.items() if c in _frequent(encoding)) / sum(wide.values())
    return common * (0.4 + 0.6 * min(1.0, frequent / 0.35))


def _frequent(encoding: str) -> frozenset[str]:
    return {"gb18030": _SIMPLIFIED, "big5": _TRADITIONAL}.get(encoding, _HANGUL)


def _is_common(character: str, encoding: str) -> bool:
    """Return whether a character is in the first, most frequent part of its national standard."""
    standards = {
        "gb18030": ("gb2312", 0xB0, 0xD7),
        "big5": ("big5", 0xA4, 0xC6),
        "shift_jis": ("euc_jp", 0xA3, 0xCF),
        "euc_jp": ("euc_jp", 0xA3, 0xCF),
        "euc_kr": ("euc_kr", 0xB0, 0xC8),
    }
    standard, low, high = standards[encoding]
    try:
        return low <= character.encode(standard)[0] <= high
    except UnicodeEncodeError:
        return False
