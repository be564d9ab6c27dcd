"""Stratified hold-out of original rows, and a test for resampled rows."""

from skloss.holdout.labels import check_kept, check_no_gaps, class_codes
from skloss.holdout.many_rows import count_codes
from skloss.holdout.parts import parts_in_turn
from skloss.holdout.resampled import are_resampled, looks_resampled, made_from
from skloss.holdout.split import (
    last_holdout,
    last_mask,
    splitter_holdout,
    stratified_holdout,
    stratified_mask,
    stratified_sample,
)

__all__ = [
    "are_resampled",
    "check_kept",
    "check_no_gaps",
    "class_codes",
    "count_codes",
    "last_holdout",
    "last_mask",
    "looks_resampled",
    "made_from",
    "parts_in_turn",
    "splitter_holdout",
    "stratified_holdout",
    "stratified_mask",
    "stratified_sample",
]
