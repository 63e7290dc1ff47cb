"""Quality alarms and workshop: the pages of the after-sales manager."""

from __future__ import annotations

from serving.desk.areas.faults import forms, pages, power, safety, services
from serving.desk.page import Page

_READ, _WRITE = "fault_rate", "alarms:write"
_ALARM = "/desk/faults/{alarm_id}"

PAGES: tuple[Page, ...] = (
    Page("/desk/faults", _READ, pages.show_list),
    Page("/desk/faults/component", _READ, pages.show_component),
    Page("/desk/faults/components", _READ, pages.show_components),
    Page("/desk/faults/power", _READ, power.show_power),
    Page("/desk/faults/safety", _READ, safety.show_reports),
    Page("/desk/faults/safety/{report_id}", _READ, safety.show_report),
    Page("/desk/faults/safety/{report_id}/moves", _WRITE, safety.move_report, "POST"),
    Page("/desk/faults/services", _READ, services.show_services),
    Page("/desk/faults/services/invitations", _WRITE, services.invite, "POST"),
    Page(_ALARM, _READ, pages.show_alarm),
    Page(f"{_ALARM}/sheet", _READ, power.print_report),
    Page(f"{_ALARM}/letter", _READ, power.print_letter),
    Page(f"{_ALARM}/moves", _WRITE, forms.move, "POST"),
    Page(f"{_ALARM}/reports", _WRITE, forms.report, "POST"),
    Page(f"{_ALARM}/sale_stops", _WRITE, forms.stop, "POST"),
    Page(f"{_ALARM}/sale_resumptions", _WRITE, forms.resume, "POST"),
    Page(f"{_ALARM}/notices", _WRITE, forms.notify, "POST"),
    Page(f"{_ALARM}/undo", _WRITE, forms.undo, "POST"),
    Page(f"{_ALARM}/capacity", _WRITE, forms.set_capacity, "POST"),
    Page(f"{_ALARM}/disclosures", _WRITE, forms.disclose, "POST"),
)
