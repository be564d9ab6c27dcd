"""What the code does to rows, and in which order."""

import pytest
from posts import LOG, READ, SPLIT, VALIDATED, network

import skloss
from skloss.readers.code import code_case


def case_of(before, fit="model.fit(X, y)", log=""):
    return code_case(network(before=before, fit=fit), {}, log)[0]


SCALED = {
    "a scaler": (f"{READ}X = StandardScaler().fit_transform(X)\n", True),
    "a fitted scaler": (
        f"{READ}s = MinMaxScaler()\ns.fit(X)\nX = s.transform(X)\n",
        True,
    ),
    "a division": (f"{READ}X = X / 255.0\n", True),
    "a division in place": (f"{READ}X /= 255\n", True),
    "standard scores": (f"{READ}X = (X - X.mean()) / X.std()\n", True),
    "numbers of words": ("X = sequence.pad_sequences(X, maxlen=9)\n", True),
    "nothing": (READ, False),
    "a cast": (f"{READ}X = X.astype('float32').values\n", False),
    "something else": (f"{READ}X = prepare(X)\n", None),
    "rows from elsewhere": ("", None),
}


@pytest.mark.parametrize("name", SCALED)
def test_whether_inputs_are_scaled_is_read(name):
    before, is_scaled = SCALED[name]
    assert case_of(before).preparation.is_scaled is is_scaled


ORDERED = {
    "sorted by label": (
        "df = pd.read_csv('a').sort_values('label')\nX = df.values\n",
        True,
    ),
    "sorted, then shuffled": (
        "df = pd.read_csv('a').sort_values(by=['class'])\ndf = df.sample(frac=1)\n"
        "X = df.values\n",
        False,
    ),
    "sorted by time": (
        "df = pd.read_csv('a').sort_values('time')\nX = df.values\n",
        None,
    ),
    "classes stacked": ("X = np.load('x')\ny = np.array([0] * 50 + [1] * 50)\n", True),
    "labels in turn": ("X = np.load('x')\ny = np.array([0, 1] * 50)\n", None),
    "rows of classes stacked": (
        "df = pd.read_csv('a')\nX = pd.concat([df[df.y == 0], df[df.y == 1]])\n",
        True,
    ),
    "shuffled": ("X, y = shuffle(X, y)\n", False),
    "shuffled in place": ("np.random.shuffle(X)\n", False),
}


@pytest.mark.parametrize("name", ORDERED)
def test_the_order_of_rows_is_read(name):
    before, is_ordered = ORDERED[name]
    assert case_of(before).preparation.is_ordered is is_ordered


SAMPLED = "X_train, y_train = SMOTE().fit_resample(X_train, y_train)\n"


@pytest.mark.parametrize(
    ("before", "holdout", "sampler"),
    [
        (f"X, y = SMOTE().fit_resample(X, y)\n{SPLIT}", "internal", None),
        (f"{SPLIT}{SAMPLED}", "given", "SMOTE"),
        (SPLIT, "given", None),
    ],
    ids=["sampled before the split", "sampled after it", "not sampled"],
)
def test_the_order_of_sampler_and_split_is_read(before, holdout, sampler):
    case = case_of(before, VALIDATED)
    assert (case.holdout, case.preparation.sampler) == (holdout, sampler)


@pytest.mark.parametrize(
    ("before", "apart"),
    [
        (f"{SPLIT}X_train = X_train / 255\n", "training rows only, by a division"),
        (f"{SPLIT}X_test /= 255\n", "validation rows only, by a division"),
        (f"{SPLIT}X_train /= 255\nX_test /= 255\n", None),
        (f"X = X / 255\n{SPLIT}", None),
        (f"{SPLIT}X_train = X_train / 255\nX_test = prepare(X_test)\n", None),
    ],
)
def test_a_scaling_of_one_side_is_read(before, apart):
    found = case_of(before, VALIDATED).preparation.scales_apart
    assert found is None if apart is None else found.startswith(apart)


@pytest.mark.parametrize(
    ("given", "shared"),
    [("X_train, y_train", "all"), ("X, y", "some"), ("X_test, y_test", None)],
)
def test_rows_that_are_trained_on_and_validated_on_are_read(given, shared):
    fit = f"model.fit(X_train, y_train, validation_data=({given}))"
    assert case_of(SPLIT, fit).preparation.shared_rows == shared


@pytest.mark.parametrize(
    ("before", "n_classes"),
    [
        ("(X, y), (X_test, y_test) = mnist.load_data()\n", 10),
        ("y = to_categorical(y, num_classes=4)\n", 4),
        ("X, y = load_iris(return_X_y=True)\n", 3),
        ("X, y = make_classification(n_classes=5, n_informative=9)\n", 5),
        ("y = np.array([0, 1, 2, 1])\n", 3),
        ("y = pd.read_csv('y')['label']\n", None),
    ],
)
def test_the_number_of_classes_is_read_from_the_labels(before, n_classes):
    diagnosis = skloss.diagnose(code=network(before=before), history=LOG)
    found = diagnosis.find("binary-head-for-multiclass")
    assert (found is not None) is (n_classes is not None)
    assert diagnosis.case.n_classes == (n_classes or 2)


def test_labels_that_are_divided_like_pixels_are_told():
    code = network(before="X, y = X / 255, y // 255\n")
    assert (
        skloss.diagnose(code=code, history=LOG).find("single-class-target") is not None
    )


@pytest.mark.parametrize(
    "parts",
    [
        "X[train], X[test]",
        "X[mask], X[~mask]",
        "X.iloc[a], X.iloc[b]",
        "X[:90], X[90:]",
        "prepare(X), prepare(X)",
    ],
)
def test_other_rows_of_the_same_array_are_not_taken_for_shared_ones(parts):
    before = f"for a, b in KFold(5).split(X):\n    train, test = a, b\nA, B = {parts}\n"
    case = case_of(before, "model.fit(A, y, validation_data=(B, y_b))")
    assert case.preparation.shared_rows is None


def test_columns_that_are_scaled_in_their_place_are_read():
    scaled = "X[names] = StandardScaler().fit_transform(X[names])\n"
    assert case_of(READ + scaled).preparation.is_scaled is True
    assert case_of(f"{READ}X['a'] = 3\n").preparation.is_scaled is False
    assert case_of(f"{READ}X[names] = prepare(X)\n").preparation.is_scaled is None


@pytest.mark.parametrize(
    ("fit", "size"),
    [
        ("model.fit(X, y)", 32),
        ("model.fit(X, y, 16)", 16),
        ("model.fit(X, y, batch_size=len(X))", 10**9),
        ("model.fit(generator, epochs=3)", None),
        ("model.fit_generator(flow(X, y), epochs=3)", None),
        ("model.fit(X, y, batch_size=size)", None),
    ],
)
def test_the_batch_size_is_read_where_it_is_known(fit, size):
    assert case_of("", fit).training.batch_size == size


@pytest.mark.parametrize(
    ("method", "is_found"), [("fit_transform", True), ("transform", False)]
)
def test_a_scaler_that_is_fitted_on_the_validation_rows_is_told(method, is_found):
    before = (
        f"{SPLIT}s = StandardScaler()\nX_train = s.fit_transform(X_train)\n"
        f"X_test = s.{method}(X_test)\n"
    )
    code = network(fit=VALIDATED, before=before)
    found = skloss.diagnose(code=code, history=LOG).find("test-scaling-mismatch")
    assert (found is not None) is is_found
    assert found is None or found.severity == "warning"
