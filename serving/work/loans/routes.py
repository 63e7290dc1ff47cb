"""Routes of loan applications."""

from __future__ import annotations

from serving.work.journal import EntryAnswer
from serving.work.loans.comparison import Comparison, compare
from serving.work.loans.fields import ApplicationFields, list_fields
from serving.work.loans.queue import CaseAnswer, Queue, QueueFilters, list_queue, show_case
from serving.work.loans.quote import Quote, QuoteRequest, preview_quote
from serving.work.loans.values import CheckedValues, check_values
from serving.work.loans.writing import (
    Confirmation,
    Decision,
    Identity,
    InputCheck,
    LenderResult,
    NewApplication,
    NewApplicationAnswer,
    NewInputs,
    Opened,
    SavedPlan,
    add_lender_result,
    check_inputs,
    confirm,
    decide,
    open_case,
    save_plan,
    show_identity,
    submit,
)
from serving.work.routing import WorkRoute

CASE = "/v1/applications/{application_id}"

ROUTES = (
    WorkRoute(
        "GET",
        "/v1/applications",
        {"zh": "待审与已审的贷款申请", "en": "Loan applications that wait, or are decided"},
        list_queue,
        Queue,
        parameters=QueueFilters,
    ),
    WorkRoute(
        "POST",
        "/v1/applications",
        {"zh": "录入新的贷款申请", "en": "Enter a new application"},
        submit,
        NewApplicationAnswer,
        body=NewApplication,
    ),
    WorkRoute(
        "POST",
        "/v1/applications/check/preview",
        {"zh": "检查新申请的数值", "en": "Check the values of a new application"},
        check_inputs,
        InputCheck,
        body=NewInputs,
    ),
    WorkRoute(
        "GET",
        "/v1/applications/fields",
        {"zh": "贷款申请表的字段", "en": "Fields of an application"},
        list_fields,
        ApplicationFields,
    ),
    WorkRoute(
        "GET",
        CASE,
        {"zh": "一笔贷款申请及其办理记录", "en": "One application, and what has happened to it"},
        show_case,
        CaseAnswer,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/quote/preview",
        {"zh": "按方案试算：预审意见、可选方案、月供表", "en": "Judgement, offers and payments for a plan"},
        preview_quote,
        Quote,
        body=QuoteRequest,
    ),
    WorkRoute(
        "GET",
        f"{CASE}/comparison",
        {"zh": "同一客户的历次审批对比", "en": "Decisions of the same customer, side by side"},
        compare,
        Comparison,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/values",
        {"zh": "更正、补充或确认申请中的数值", "en": "Correct, complete or confirm values of an application"},
        check_values,
        EntryAnswer,
        body=CheckedValues,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/opened",
        {"zh": "标记正在处理", "en": "Say that somebody works on an application"},
        open_case,
        EntryAnswer,
        body=Opened,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/decision",
        {"zh": "提交审批意见", "en": "Decide on an application"},
        decide,
        EntryAnswer,
        body=Decision,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/confirmation",
        {"zh": "第二人复核", "en": "Confirm a decision against the model as a second person"},
        confirm,
        EntryAnswer,
        body=Confirmation,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/lender_results",
        {"zh": "登记资方结果", "en": "Enter what a lender has said"},
        add_lender_result,
        EntryAnswer,
        body=LenderResult,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/plans",
        {"zh": "保存方案", "en": "Keep a plan for the customer"},
        save_plan,
        EntryAnswer,
        body=SavedPlan,
    ),
    WorkRoute(
        "POST",
        f"{CASE}/identity",
        {"zh": "查看姓名与电话（记录在案）", "en": "Show name and phone number, which is written down"},
        show_identity,
        Identity,
    ),
)
