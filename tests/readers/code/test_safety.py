"""Nothing of the code is executed, and no code hangs the reader or raises."""

import random
import re
import sys

import hypothesis
import hypothesis.strategies as st
import pytest
from posts import FAULTY, HEAD, LOG, SPLIT, VALIDATED, network

import skloss
from skloss.readers.code import code_case
from skloss.readers.code.running_text import statements_in

quick = hypothesis.settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.mark.parametrize(
    "code",
    [
        "open({path!r}, 'w').write('x')",
        "import os; os.system('touch {path}')",
        "__import__('pathlib').Path({path!r}).touch()",
        "eval(\"open({path!r}, 'w')\")",
        "exec(\"open({path!r}, 'w')\")",
        "class A:\n    open({path!r}, 'w')\n    def __del__(self): pass\nA()",
        "def f(x=open({path!r}, 'w')):\n    return x\nf()",
        "[open(p, 'w') for p in [{path!r}]]",
        "(lambda: open({path!r}, 'w'))()",
        "!touch {path}\n%run {path}",
        "f\"{{open({path!r}, 'w')}}\"",
    ],
)
def test_code_is_never_executed(tmp_path, code):
    mark = tmp_path / "executed"
    diagnosis = skloss.diagnose(code=f"{code.format(path=str(mark))}\n{HEAD}{FAULTY}")
    assert diagnosis.find("softmax-one-unit") is not None
    assert not mark.exists()


def test_nothing_is_imported():
    before = set(sys.modules)
    skloss.diagnose(code="import antigravity, this\nfrom wsgiref import handlers\n")
    assert not {"antigravity", "this", "wsgiref"} & (set(sys.modules) - before)


NESTED = {
    "brackets": "x = " + "(" * 5_000,
    "signs": "x = " + "-" * 50_000 + "1",
    "not": "x = " + "not " * 5_000 + "1",
    "sums": "x = 1 +" + " 1 +\\\n" * 5_000 + "1",
    "attributes": "x = a" + ".b" * 9_000,
    "indents": "".join(" " * n + "if x:\n" for n in range(300)),
    "calls of itself": "def f(x):\n return f(f(f(x)))\nf(f(1))\n",
    "loops": "".join(" " * n + f"for i{n} in range(64):\n" for n in range(15))
    + " " * 15
    + "x = list(enumerate(range(10000)))",
    "endless": "while True:\n    x = 1\n",
    "large powers": "a = 10 ** 10 ** 10\nb = 9 ** 9 ** 9 ** 9\nc = 1 << 10 ** 10\n",
    "long texts": "a = 'a' * 10 ** 9\nb = '%1000000000d' % 1\nc = [0] * 10 ** 12\n",
    "large ranges": "for i in range(10 ** 18):\n  x = list(range(10 ** 15))\n",
    "long number": "x = " + "9" * 10_000 + "\ny = 0x" + "f" * 15_000,
    "lists of themselves": "a = [Dense(1)]\n"
    + "a = [a, a]\n" * 500
    + "Sequential(a)\n",
    "comprehensions": "Sequential(" + "[" * 30 + "Dense(1)" + " for i in z]" * 30 + ")",
    "layers": "x = Input((3,))\n"
    + "".join(" " * n + f"for i{n} in range(64):\n" for n in range(4))
    + "    x = Dense(1)(x)\nModel(x, x)\n",
    "open texts": "x = '''\n" * 2_000,
    "open brackets": "x = f(1, 2\n" * 2_000,
    "decorators": "@a\n" * 500,
    "blank lines": "\n" * 50_000,
    "null bytes": "\0" * 10_000,
    "tags": "<pre>" * 10_000,
    "fences": "```\n" * 3_000,
    "values on a line": "loss: 1 " * 20_000,
    "notebook": '{"cells":' + "[" * 50_000,
}


@pytest.mark.parametrize("name", NESTED)
def test_hard_code_neither_hangs_nor_raises(name):
    """Whether the budget holds is seen by the time limit of all tests."""
    assert skloss.diagnose(code=NESTED[name] + "\n").ok


def test_a_fault_is_found_in_much_other_code():
    code = "x = f(1, 2)\n" * 10_000 + HEAD + FAULTY + "y = g(3)\n" * 5_000
    diagnosis = skloss.diagnose(code=code)
    assert (
        diagnosis.find("softmax-one-unit").evidence["line of the code"].value == 10_005
    )
    assert re.search(r"characters of the code were left out", diagnosis.notes[0])


# --------------------------------------------------------------------------- any text

SOUP = (
    "model layers = ( ) [ ] { } , : . # ' \" ''' \\ + - * ** % == @ -> := if else "
    "for while def class return lambda import from try except with as yield not in X "
    "y Sequential Model Dense Conv1D Input compile fit add X_train StandardScaler() "
    ".fit_transform train_test_split SMOTE().fit_resample pd.read_csv len dict [1:] "
    "0 1 range [:,-1] 2.5 1e999 10**9 'relu' 'softmax' None True x*x ``` >>> In[1]: "
    "<pre> </pre> é loss:0.5 {'loss':[1]}"
)
TOKENS = (*SOUP.split(), "\n", "\n", "\n    ", "\t", "\0", "Epoch 1/2")
WORKS = (
    network(),
    network(fit=VALIDATED, before=f"X, y = SMOTE().fit_resample(X, y)\n{SPLIT}"),
    "def build(n=2, *a, k=3, **o):\n    m = Sequential([Dense(i) for i in range(n)])\n"
    "    m.compile(optimizer=Adam(1e-3), loss='mse')\n    return m\n"
    "clf = KerasClassifier(build, epochs=3, n=4)\n"
    "GridSearchCV(clf, {'n': [1]}).fit(X, y)\n",
    "i = Input((3, 4))\nx = Conv1D(8, 3)(i)\nx = x + tf.nn.relu(x)\n"
    "m = Model(i, [Dense(1)(x)])\n"
    "m.fit(X[:90], y[:90], validation_data=(X[90:], y[90:]))\n",
    "make_pipeline(StandardScaler(), MLPClassifier((9, 9), 'identity')).fit(X, y)\n",
    f"```python\n{HEAD}{FAULTY}```\n```\n{LOG}```\n",
)


@quick
@hypothesis.given(st.lists(st.sampled_from(TOKENS), max_size=60))
def test_any_tokens_are_read_without_an_error(tokens):
    assert skloss.diagnose(code=" ".join(tokens) + "\n").case is not None


@quick
@hypothesis.given(st.sampled_from(WORKS), st.integers(0, 10**6))
def test_real_code_with_errors_is_read_without_an_error(code, seed):
    draw = random.Random(seed)
    parts = re.findall(r"\w+|\s+|.", code)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(parts))
        part = draw.choice(("", draw.choice(TOKENS), draw.choice(parts), parts[at] * 2))
        parts[at] = part
    assert skloss.diagnose(code="".join(parts) + "\n").case is not None


@quick
@hypothesis.given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text):
    case, lines, _ = code_case(text, {})
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
    assert case is not None


@quick
@hypothesis.given(st.text("ab=(){}[]'#,. +", max_size=80))
def test_statements_of_running_text_are_parts_of_it(text):
    for statement in statements_in(text):
        assert set(statement) <= set(text)
        assert len(statement) <= len(text)
