"""The first import of TensorFlow changes nothing of the process but its threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIT = """
from skloss import DenseClassifier
from skloss.datasets import make_rare_events
X, y = make_rare_events(300, random_state=0)
fitted = DenseClassifier(epochs=1, batch_norm=True, random_state=0).fit(X, y)
"""
OWN_THREADS = """
import os
import tensorflow as tf
from skloss.training.tensorflow_start import has_own_threads
assert has_own_threads() is expected
if os.path.exists("/proc/self/task"):
    n_before = len(os.listdir("/proc/self/task"))
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=9)
    session = tf.compat.v1.Session(config=config)
    more = len(os.listdir("/proc/self/task")) - n_before
    assert (more >= 9) is expected, more
"""


def stderr_of(code, **variables):
    known = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=known | variables,
    )
    return done.stderr


def test_nothing_is_written_or_left_changed():
    code = f"""
import sys
from skloss.training import start_tensorflow
start_tensorflow()
print("imported", file=sys.stderr)
{FIT}
fitted.predict(X)
fitted.model_
import os, tensorflow as tf
changed = ("TF_CPP_MIN_LOG_LEVEL", "TF_OVERRIDE_GLOBAL_THREADPOOL")
assert not any(name in os.environ for name in changed)
assert tf.config.threading.get_intra_op_parallelism_threads() == 0
expected = True
{OWN_THREADS}
"""
    assert stderr_of(code).endswith("imported\n")


RUNS = "import keras; keras.ops.ones(1)"
REFUSED = "import os; os.environ['TF_OVERRIDE_GLOBAL_THREADPOOL'] = 'false'"


# The first import by skloss itself is the case above.
@pytest.mark.parametrize("before", ["", RUNS, REFUSED])
def test_sessions_have_their_own_threads_unless_tensorflow_ran_before(
    tensorflow_server, before
):
    code = f"expected = {before == ''}\n{before}\n{FIT}{OWN_THREADS}"
    done = tensorflow_server.run(code)
    assert done.returncode == 0, done.stderr


def test_a_level_and_a_number_of_threads_that_the_user_has_chosen_stay():
    code = f"""{FIT}
import os, tensorflow as tf
assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
assert tf.config.threading.get_intra_op_parallelism_threads() == 0
DenseClassifier(epochs=30, batch_norm=True).fit(*make_rare_events(1200))
"""
    chosen = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_NUM_INTRAOP_THREADS": "2"}
    assert "XLA" in stderr_of(code, **chosen)


def test_without_tensorflow_a_fit_says_what_to_install():
    code = """
import sys
sys.modules["tensorflow"] = None
try:
    exec(FIT)
except ImportError as error:
    print(error)
    assert "tensorflow>=2.18" in str(error)
else:
    raise AssertionError("it was fitted")
""".replace("exec(FIT)", f"exec({FIT!r})")
    assert stderr_of(code) == ""
