"""Training plans: GetTrainingPlan, GetTrainingPlanDescription."""

from __future__ import annotations

from typing import Final

from nexport_campus.sandbox.aspnet_values import drop_nulls
from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.operation_results import OperationResult, no_error, success

from .registry import OperationCall, operation
from .syllabi import TRAINING_PLAN, find_requested_syllabus, find_syllabus, make_syllabus_record

_NULLS: Final = ("enrollment_end", "final_drop_date", "training_end")


@operation("GET", "LearningApi_GetTrainingPlan")
def get_training_plan(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return one training plan, by either its own id or a product id of any catalog that holds it."""
    row = find_requested_syllabus(campus, call, "training_plan_id", TRAINING_PLAN)
    record = {
        "org_id": campus.ids.make("organization", row["organization"]),
        "name": row["title"],
        "root_requirement_id": campus.ids.make("requirement", row["number"]),
        **make_syllabus_record(campus, row),
        "api_error_entity": no_error(),
    }
    return OperationResult(drop_nulls(record, nulls=_NULLS))


@operation("GET", "LearningApi_GetTrainingPlanDescription")
def get_training_plan_description(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the description of a training plan."""
    plan = find_syllabus(campus, call.query.required(call.query.id, "training_plan_id"), TRAINING_PLAN)
    return success({"description": plan["description"]})
