"""Quality alarms at work: states and moves, evidence, vehicles to inspect, safety reports, and services due."""

from __future__ import annotations

from serving.work.alarms.answers import AlarmDetail, AlarmList
from serving.work.alarms.detail import ComponentQuery, show_alarm, show_component
from serving.work.alarms.disclosures import Disclosure, DisclosureRequest, disclose
from serving.work.alarms.inspections import CapacityAnswer, Inspections, NewCapacity, set_capacity, show_inspections
from serving.work.alarms.listing import Funnel, funnel, list_alarms
from serving.work.alarms.moves import (
    AlarmMove,
    MakerReport,
    OwnersNotice,
    SaleStop,
    move_alarm,
    notify_owners,
    report_alarm,
    resume_sale,
    stop_sale,
)
from serving.work.alarms.power import AlarmPower, show_power
from serving.work.alarms.safety import (
    SafetyDetail,
    SafetyList,
    SafetyMove,
    SafetyQuery,
    list_reports,
    move_report,
    show_report,
)
from serving.work.alarms.services import (
    InvitationAnswer,
    ServiceInvitation,
    ServiceQuery,
    ServicesDue,
    invite,
    list_services,
)
from serving.work.alarms.stock import AlarmStock, show_stock
from serving.work.alarms.vehicles import AlarmVehicles, VehicleQuery, show_vehicles
from serving.work.routing import WorkRoute

_ALARM = "/v1/alarms/{alarm_id}"


def _summary(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


ROUTES: tuple[WorkRoute, ...] = (
    WorkRoute("GET", "/v1/alarms", _summary("质量预警清单", "Quality alarms and their states"), list_alarms, AlarmList),
    WorkRoute(
        "GET", "/v1/alarms/funnel",
        _summary("全部部件：实际故障与预期故障之比", "Faults over expected faults of all components"), funnel, Funnel,
    ),
    WorkRoute(
        "GET", "/v1/alarms/component", _summary("某车型某部件的证据", "Evidence on a component of a model"),
        show_component, AlarmDetail, parameters=ComponentQuery,
    ),
    WorkRoute(
        "GET", "/v1/alarms/power", _summary("多少周后能发现", "Weeks until a raised rate would be known"), show_power,
        AlarmPower, parameters=ComponentQuery,
    ),
    WorkRoute(
        "POST", "/v1/alarms/capacity", _summary("设定每周检查能力", "Set the weekly capacity of inspections"),
        set_capacity, CapacityAnswer, body=NewCapacity, example={"capacity": 86},
    ),
    WorkRoute(
        "GET", "/v1/alarms/safety", _summary("安全问题报告", "Reports of dangerous faults"), list_reports, SafetyList,
        parameters=SafetyQuery,
    ),
    WorkRoute(
        "GET", "/v1/alarms/safety/{report_id}", _summary("一份安全问题报告", "One report of a dangerous fault"),
        show_report, SafetyDetail,
    ),
    WorkRoute(
        "POST", "/v1/alarms/safety/{report_id}/moves", _summary("处理安全问题报告", "Move a report of danger"),
        move_report, SafetyDetail, body=SafetyMove, example={"to": "acknowledged"},
    ),
    WorkRoute(
        "GET", "/v1/alarms/services", _summary("保养到期车辆", "Vehicles whose service falls due"), list_services,
        ServicesDue, parameters=ServiceQuery,
    ),
    WorkRoute(
        "POST", "/v1/alarms/services/invitations", _summary("登记保养邀约", "Record invitations to a service"), invite,
        InvitationAnswer, body=ServiceInvitation, example={"vehicle_ids": ["V00000001"]},
    ),
    WorkRoute("GET", _ALARM, _summary("一条质量预警", "One quality alarm"), show_alarm, AlarmDetail),
    WorkRoute(
        "POST", f"{_ALARM}/moves", _summary("更改质量预警状态", "Move a quality alarm"), move_alarm, AlarmDetail,
        body=AlarmMove, example={"to": "acknowledged"},
    ),
    WorkRoute(
        "POST", f"{_ALARM}/reports", _summary("登记上报厂家", "Record the report to the maker"), report_alarm,
        AlarmDetail, body=MakerReport, example={"reported_on": "2025-06-30", "recipient": "厂家售后技术部"},
    ),
    WorkRoute(
        "POST", f"{_ALARM}/sale_stops", _summary("停售排查", "Stop the sale of the affected stock"), stop_sale,
        AlarmDetail, body=SaleStop, example={"note": ""},
    ),
    WorkRoute(
        "POST", f"{_ALARM}/sale_resumptions", _summary("恢复销售", "Resume the sale"), resume_sale, AlarmDetail,
        body=SaleStop, example={"note": "排查完毕"},
    ),
    WorkRoute(
        "POST", f"{_ALARM}/notices", _summary("登记通知车主", "Record that owners were notified"), notify_owners,
        AlarmDetail, body=OwnersNotice, example={"notified_on": "2025-06-30", "channel": "letter", "vehicles": 236},
    ),
    WorkRoute("GET", f"{_ALARM}/stock", _summary("受影响库存车", "Affected cars in stock"), show_stock, AlarmStock),
    WorkRoute(
        "GET", f"{_ALARM}/vehicles", _summary("待检查车辆", "Vehicles to inspect"), show_vehicles, AlarmVehicles,
        parameters=VehicleQuery,
    ),
    WorkRoute(
        "GET", f"{_ALARM}/inspections", _summary("检查排期", "Plan of the inspections"), show_inspections, Inspections,
        parameters=VehicleQuery,
    ),
    WorkRoute(
        "POST", f"{_ALARM}/disclosures", _summary("查看车架号和车主联系方式（留痕）", "Show VINs and contacts; logged"),
        disclose, Disclosure, body=DisclosureRequest, example={"fields": ["vin"]},
    ),
)  # fmt: skip
