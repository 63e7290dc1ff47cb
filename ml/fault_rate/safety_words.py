"""Words of dangerous faults on workshop lines, Chinese and English: the default of `safety.kinds` and `negations`.

Every text is a regular expression, searched without regard to case. The list errs on the side of a report too many: a
person reads every report, and a noise or a warning lamp that says nothing of danger is not on it.
"""

from __future__ import annotations

from typing import Any

COMPONENTS = (
    "brakes", "brake", "abs", "parking_brake", "steering", "airbags", "airbag", "restraints", "seat_belts",
    "seat_belt", "traction_battery", "high_voltage_battery",
)  # fmt: skip
_BATTERY = ("traction_battery", "high_voltage_battery", "battery", "charging")
_BRAKES = ("brakes", "brake", "abs", "parking_brake")
_RESTRAINTS = ("airbags", "airbag", "restraints", "seat_belts", "seat_belt")
_NEAR = "[^，。；,.;]"  # within one clause
_OFTEN = "(突然|完全|瞬间|间歇性?|偶发性?|偶尔|有时|经常|反复|会|出现|几乎){0,3}"

# The first kind that matches names the report, so that the gravest stands first.
KINDS: tuple[dict[str, Any], ...] = (
    {
        "name": "thermal_runaway", "zh": "动力电池热失控", "en": "thermal runaway of the traction battery",
        "components": _BATTERY,
        "words": (
            "热失控", f"(电池|电芯|模组){_NEAR}{{0,8}}(起火|着火|自燃|冒[白浓]?烟|爆炸|鼓包|燃烧)",
            r"\bthermal (runaway|event|propagation)", r"\bbattery\b.{0,40}\b(fire|smok\w+|explo\w+|swollen|burn\w*)",
            r"\b(fire|smoke|explosion)\b.{0,20}\bbattery",
        ),
    },
    {
        "name": "fire", "zh": "起火或冒烟", "en": "fire or smoke",
        "words": (
            "起火", "着火", "自燃", "燃烧起来", "冒[白浓]?烟", "明火", "(整车|车辆|线束|插头|插接器)烧(毁|熔|焦)",
            r"\b(caught|catching|on) fire\b", r"\b(fire|flames?|smoke|smoking)\b", r"\bburn(t|ed|ing) wir\w+",
        ),
    },
    {
        "name": "loss_of_braking", "zh": "制动失效", "en": "loss of braking", "components": _BRAKES,
        "words": (
            f"(制动|刹车)(踏板|系统)?{_OFTEN}(失灵|失效|失控|无反应|没有?反应)",
            "(失去|丧失|没有|没|无)了?(制动|刹车)(力|能力|效果|作用|(?=[，。；,.;])|$)",
            f"(制动|刹车){_NEAR}{{0,8}}(踩不住|刹不住|停不住|踩到底|踩空)",
            "刹不住", "刹不了车", "无法(制动|刹车|刹停)",
            "(制动|刹车)力(突然|完全|瞬间)?(消失|丧失|全无)", "驻车(制动)?(失灵|失效)|手刹(失灵|失效)|溜车",
            r"\bloss of (all |service |hydraulic )?brak\w+", r"\blost (all |the )?(brakes?|braking|brake pressure)\b",
            r"\bbrak(e|es|ing)\b( \w+){0,2} (failed|failure|fails|not working"
            r"|(did|do|does) not (work|respond|engage|hold))",
            r"\bno brak(es|ing)\b(?! (noise|squeal|issue|problem|fault|concern|vibration))",
            r"\bpedal\b.{0,30}\b(to|on) the floor\b",
            r"\b(unable to|could not|couldn't|cannot|can't) (stop|brake)\b(?! (the |this )?(noise|squeal|squeak|vibr))",
            r"\b(car|vehicle|truck)\b( \w+){0,2} (would not|wouldn't|won't|did not|didn't) (stop|brake)\b",
            r"\b(rolled away|roll-?away)\b",
        ),
    },
    {
        "name": "loss_of_steering", "zh": "转向失效", "en": "loss of steering", "components": ("steering",),
        "words": (
            f"(转向|方向盘|方向机)(系统)?{_OFTEN}(失灵|失效|失控|卡死|锁死|抱死|无反应|没有?反应)",
            "无法转向",
            "(失去|丧失|没有|没|无)了?(转向)?助力(?![泵器油])", "(失去|丧失)了?转向",
            "助力(转向)?(突然|完全|瞬间)?(消失|失效|丧失|中断)",
            f"(转向|方向盘){_NEAR}{{0,6}}(打不动|转不动)", "(拉杆|球头|转向节)(脱落|断裂)",
            r"\bloss of (power |all |the )?steering", r"\blost (power |all |the )?steering",
            r"\bsteering( wheel| system| rack)? (failed|failure|fails|(was |is )?(suddenly )?lost"
            r"|locked( up)?|locks up|seized|jammed)",
            r"\b(unable to|could not|couldn't|cannot|can't) (steer|turn the (steering )?wheel)",
            r"\btie ?rod( end)? (broke|separated|detached|came off)",
        ),
    },
    {
        "name": "restraints", "zh": "安全气囊或安全带失效", "en": "airbag or seat belt failure",
        "components": _RESTRAINTS,
        "words": (
            "气囊(无故|意外|突然|自动)?(误爆|自爆|误弹|弹出|展开|爆开|起爆)",
            "气囊(没有|未能?|不)(弹出|展开|起爆|打开)",
            "安全带(断裂|断开|脱落|脱开|锁不住|锁止失效|不能锁止)", "(卡扣|锁扣)(自行|突然)?(脱开|弹开|松脱)",
            "气体发生器破裂",
            r"\bair ?bags?\b.{0,20}\b(did not|didn't|failed to|not) (deploy|inflate)",
            r"\b(inadvertent|unintended|uncommanded|unexpected|spontaneous)\W+(\w+\W+){0,3}deploy\w*",
            r"\bair ?bags?\b.{0,20}\b(deployed|explo\w+|ruptured|went off)", r"\binflator\b.{0,12}\brupture\w*",
            r"\bseat ?belts?\b.{0,20}\b(failed|tore|torn|broke|broken|detached|released|unlatched)",
        ),
    },
)  # fmt: skip

# Harmless phrases, cut from a text before words are searched.
EXCEPTIONS = (
    "打不着火", "[不难]着火", "着火(困难|慢|不良|正时|点)", "烟雾(测试|检漏|检测)", "烟味", "点烟",
    f"排气{_NEAR}{{0,6}}冒{_NEAR}?烟", f"冒{_NEAR}?烟{_NEAR}{{0,6}}排气", "尾气冒烟", "冒[蓝黑]烟",
    "12V", "(?<!动力)蓄电池", "(制动|刹车|驻车)(灯|指示灯|开关|液|片磨损指示|磨损传感器)", "转向(灯|指示灯|拨杆)",
    "方向盘(按键|加热|锁(?![死止住紧]))", "事故后?(更换|维修)",
    r"\bmis-?fir\w*", r"\b(no|will not|won't|does not) fire\b", r"\bfire ?(wall|extinguisher|department|brigade)\w*",
    r"\bsmoke (test|machine|leak)\w*", r"\b(exhaust|tail ?pipe)\W+(\w+\W+){0,2}smok\w+", r"\b(blue|black) smoke",
    r"\bsmok\w+\W+(\w+\W+){0,3}(exhaust|tail ?pipe)", r"\bsmoked?\W+(lens|lamp|light|glass|detector)",
    r"\bcigarette smoke", "防溜车",
    r"\b12[ -]?v(olt)?\b", r"\b(brake|stop) (light|lamp|fluid|switch)\w*",
    r"\bsteering (wheel )?(heat\w*|switch\w*|lock)\b", r"\bafter (an |the )?(accident|collision)\b",
)  # fmt: skip

# A match does not count where, in its clause, one of these ends directly before it ...
NEGATIONS = (
    "(未见|未发现|未出现|未发生|没有发现|没有出现|没发现|不存在|并无|有无|是否(有|存在|出现|发生)?|防止|避免|以免|预防)"
    "((?!导致|引起|造成|致使|原因|异常|问题|故障点)[^，。；,.;]){0,6}",
    "(无|没有)(任何|明显|异响|漏油|冒烟|起火|、|或|和|及)*", "排除(了)?",
    r"\b(no|without|nor|never had|negative for|free of|not due to|not a|prevents?|avoids?|(check|inspect)(ed)? for)"
    r"\W+((any|a|an|the|sign|signs|evidence|trace|traces|indication|further|more|actual|visible|of|or|and|smoke|fire"
    r"|loss|power|complaint|complaints|risk)\W+)*",
    r"\b(not|didn't|never) (find|see|observe|note|notice|have|show|experience)\W+"
    r"((any|a|an|the|sign|signs|evidence|of|or|smoke|fire)\W+)*",
)  # fmt: skip
# ... or one of these follows it: a check list with its answer.
NEGATIVE_ANSWERS = (
    r"(现象|情况)?\s*[:：?？]\s*(无|否|没有|未见|未发现|正常)(异常)?(?=$|[\s，。；,.;、）)])",
    r"\s*[:?]\s*(no|none|negative|ok)\b",
)
