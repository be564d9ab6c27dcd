"""What a name stands for is what Python would give it, or not known."""

import pytest
from posts import READ, network

from skloss.readers.code import code_case


def units_of(before, n="n"):
    """Return the units that a layer gets by a name."""
    code = f"{before}\nmodel = Sequential([Dense({n}), Dense(1)])\n"
    return code_case(code, {})[0].layers[0].units


EXPRESSIONS = [
    "2 + 3 * 4",
    "2 ** 5",
    "-(-7)",
    "+7",
    "17 // 5",
    "17 % 5",
    "int(0.5 * 64)",
    "round(7.4)",
    "abs(-3)",
    "max(3, 9)",
    "min(3, 9)",
    "len([1, 2, 3])",
    "len('abcd')",
    "[4, 8, 16][1]",
    "[4, 8, 16][-1]",
    "[4, 8, 16][1:][0]",
    "[4, 8, 16][:-1][1]",
    "(4, 8)[0]",
    "{'a': 5}['a']",
    "dict(a=5)['a']",
    "{'a': 5}.get('a')",
    "{'a': 5}.get('b', 6)",
    "{**{'a': 5}, 'b': 6}['a']",
    "list(range(3, 9, 2))[1]",
    "list(reversed([1, 2, 3]))[0]",
    "list(zip([1, 2], [3, 4]))[1][0]",
    "list(enumerate([5, 6]))[1][1]",
    "[i * 2 for i in range(4)][3]",
    "[i for i in range(9) if i > 4][0]",
    "[*[1, 2], 3][2]",
    "([1] + [2, 3])[2]",
    "([7] * 3)[2]",
    "5 if 2 > 1 else 6",
    "5 if 'a' == 'b' else 6",
    "5 if True and not False else 6",
    "(lambda a, b=3: a * b)(4)",
    "(m := 8) + m",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_value_that_python_gives(expression):
    assert units_of(f"n = {expression}") == eval(expression)


STATEMENTS = {
    "assignments to several names": "n = m = 6",
    "unpacking": "(n, m), k = (6, 7), 8",
    "changes in place": "n = 3\nn *= 2",
    "a type": "n: int = 6",
    "a branch": "if 1 > 2:\n    n = 5\nelse:\n    n = 6",
    "a loop": "n = 0\nfor k in range(4):\n    n += k",
    "a loop that is left": "for n in (6, 7):\n    break",
    "a list that grows": "a = []\na.append(6)\na.extend([7])\nn = a[0]",
    "a dict that grows": "a = {}\na['n'] = 6\nn = a['n']",
    "with": "with open('a') as f, g() as h:\n    n = 6",
    "try": "try:\n    import a\n    n = 6\nexcept ImportError:\n    n = 7",
    "a function": "def f(a, /, b=2, *, c=1):\n    return a * b + c - 1\nn = f(2, b=3)",
    "options of a function": "def f(**o):\n    return o['a']\nn = f(a=6)",
    "a return in a branch": "def f(a):\n    if a:\n        return 6\n"
    "    return 7\nn = f(1)",
    "an attribute": "class A:\n    n = 6\nn = A().n",
    "an attribute of an object": "class A:\n    def __init__(self, n):\n"
    "        self.n = n\nn = A(6).n",
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_statements_give_the_value_that_they_give_in_python(name):
    assert units_of(STATEMENTS[name]) == 6


@pytest.mark.parametrize(
    "code",
    [
        "n = f()",
        "n = 1 / 0",
        "n = 10 ** 40",
        "n = float('nan')",
        "n = [1, 2][5]",
        "n = {}['a']",
        "n = len(X)",
        "n = x.shape[1]",
        "n = int('7')",
        "n = input()",
        "n = 1 if unknown else 2",
        "def f(a):\n    return a\nn = f",
    ],
)
def test_a_value_that_the_code_does_not_show_is_not_known(code):
    assert units_of(code) is None


LABELS = {
    "repeated numbers": "y = np.repeat([0, 1, 2], 50)\n",
    "a repeated range": "y = np.repeat(np.arange(3), 50)\n",
    "arrays of one label": "y = np.concatenate([np.zeros(9), np.ones(9), 2 * one])\n"
    "y = np.concatenate([np.zeros(9), np.ones(9), np.full(9, 2)])\n",
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_come_class_by_class_are_ordered(name):
    case, _, _ = code_case(network(before=READ + LABELS[name]), {})
    assert case.preparation.is_ordered is True
    assert case.n_classes == 3


@pytest.mark.parametrize(
    ("before", "units"),
    [
        ("X = load_iris().data\n", 4),
        ("X, y = load_wine(return_X_y=True)\n", 13),
        ("X, y = make_classification(n_features=7)\n", 7),
        ("(X, y), _ = mnist.load_data()\nX = X.reshape(-1, 28 * 28)\n", 784),
        ("(X, y), _ = mnist.load_data()\nX = X[..., np.newaxis]\n", 28),
        ("X = np.array([[1, 2, 3], [4, 5, 6]])\n", 3),
        ("X = pad_sequences(words, maxlen=20)\n", 20),
        ("X = np.expand_dims(np.reshape(X, (-1, 9)), -1)\n", 9),
    ],
)
def test_shapes_are_known_where_the_code_shows_them(before, units):
    assert units_of(before, "X.shape[1]") == units
