"""Steps of a pipeline during fit, as imbalanced-learn fits them."""

from typing import Any

import imblearn.pipeline
from sklearn.utils import Bunch

from skloss.model_selection.given_rows import ROW_PARAMETERS

__all__ = ["Steps", "is_sampler"]


class Steps(imblearn.pipeline.Pipeline):
    """Steps during fit; ``transform_input`` works behind samplers, too."""

    def _get_metadata_for_step(
        self, *, step_idx: int, step_params: Any, all_params: Any
    ) -> Any:
        raw = {}
        if step_idx == len(self.steps) - 1:
            # The wrapper of the last step transforms its held-out rows itself.
            final = self.steps[-1][1]
            raw = {
                method: {
                    name: value
                    for name, value in given.items()
                    if name in ROW_PARAMETERS and hasattr(final, "holdout")
                }
                for method, given in step_params.items()
            }
        rest = Bunch(
            **{
                method: Bunch(
                    **{
                        name: value
                        for name, value in given.items()
                        if name not in raw.get(method, ())
                    }
                )
                for method, given in step_params.items()
            }
        )
        # imbalanced-learn cannot transform by a slice that ends in a sampler.
        while step_idx and is_sampler(self.steps[step_idx - 1][1]):
            step_idx -= 1
        found = super()._get_metadata_for_step(
            step_idx=step_idx, step_params=rest, all_params=all_params
        )
        for method, given in raw.items():
            found[method].update(given)
        return found


def is_sampler(step: Any) -> bool:
    """Whether a step makes or drops rows."""
    return hasattr(step, "fit_resample")
