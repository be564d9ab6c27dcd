"""Code and log, as people paste them, give the finding that their fault deserves."""

import pytest

import skloss

HEAD = "from keras.models import Sequential\nfrom keras.layers import Dense\n"
LOG = "\n".join(
    f"Epoch {n}/3\n20/20 [====] - 0s 2ms/step - loss: {0.6 / n:.4f} - accuracy: 0.9"
    for n in (1, 2, 3)
)


def network(head: str, compiled: str, fit: str = "model.fit(X, y, epochs=3)") -> str:
    return (
        f"{HEAD}model = Sequential()\nmodel.add(Dense(16, activation='relu'))\n"
        f"model.add({head})\nmodel.compile({compiled})\n{fit}\n"
    )


CASES = {
    "softmax-one-unit": network(
        "Dense(output_dim=1, activation='softmax')", "'adam', 'binary_crossentropy'"
    ),
    "sigmoid-with-from-logits": network(
        "Dense(1, activation='sigmoid')",
        "loss=tf.keras.losses.BinaryCrossentropy(from_logits=True)",
    ),
    "sigmoid-output-multiclass": network(
        "Dense(4, activation='sigmoid')", "loss='categorical_crossentropy'"
    ),
    "linear-output-without-from-logits": network(
        "Dense(1)", "loss='binary_crossentropy'"
    ),
    "resample-before-split": "X, y = SMOTE().fit_resample(X, y)\n"
    "X_train, X_test, y_train, y_test = train_test_split(X, y)\n"
    + network(
        "Dense(1, activation='sigmoid')",
        "loss='binary_crossentropy'",
        "model.fit(X_train, y_train, nb_epoch=3, validation_data=(X_test, y_test))",
    ),
    "unshuffled-tail-validation": "df = pd.read_csv('a.csv').sort_values('label')\n"
    "X, y = df.drop('label', axis=1).values, df['label'].values\n"
    + network(
        "Dense(1, activation='sigmoid')",
        "loss='binary_crossentropy'",
        "model.fit(X, y, epochs=3, validation_split=0.2)",
    ),
    "test-scaling-mismatch": "X_train, X_test, y_train, y_test = "
    "train_test_split(X, y)\nX_train = StandardScaler().fit_transform(X_train)\n"
    + network(
        "Dense(1, activation='sigmoid')",
        "loss='binary_crossentropy'",
        "model.fit(X_train, y_train, epochs=3, validation_data=(X_test, y_test))",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_the_code_is_found(name):
    assert skloss.diagnose(code=CASES[name], history=LOG).find(name) is not None


def test_a_usual_network_raises_no_alarm():
    code = network("Dense(1, activation='sigmoid')", "loss='binary_crossentropy'")
    assert skloss.diagnose(code=code, history=LOG).ok


def test_a_question_in_markdown_is_read_with_its_log(tmp_path):
    path = tmp_path / "question.md"
    code = CASES["softmax-one-unit"]
    path.write_text(f"Why?\n\n```python\n{code}```\n\n```\n{LOG}\n```\n")
    diagnosis = skloss.diagnose(path)
    assert diagnosis.find("softmax-one-unit").evidence["line of the code"].value == 8
    assert diagnosis.case.n_epochs == 3


def test_code_is_never_executed(tmp_path):
    mark = tmp_path / "executed"
    code = f"open({str(mark)!r}, 'w').write('x')\nimport no_such_module_anywhere\n"
    skloss.diagnose(code=code + CASES["softmax-one-unit"])
    assert not mark.exists()


@pytest.mark.parametrize(
    "code",
    [
        "x = " + "(" * 5000,
        "x = " + "-" * 50_000 + "1",
        "def f():\n return f()\nf()\n",
        "while True:\n    x = 1\n",
        "a = 9 ** 9 ** 9 ** 9\nb = 'x' * 10 ** 12\n",
        "for i in range(10**12):\n  for j in range(10**12):\n    pass\n",
        "print 'python 2'\n%matplotlib inline\n!pip install keras\n>>> x = 1\n",
        "x = 1 +" + " 1 +\\\n" * 30_000 + "1",
    ],
    ids=range(8),
)
def test_hard_code_neither_hangs_nor_raises(code):
    assert skloss.diagnose(code=code + "\n").notes


def test_both_source_and_code_are_refused():
    with pytest.raises(ValueError, match="Both source and code"):
        skloss.diagnose({"loss": [1.0]}, code="x = 1\n")


def test_nothing_given_is_refused():
    with pytest.raises(ValueError, match="Nothing to diagnose"):
        skloss.diagnose()
