"""Networks, estimators and settings, in the ways in which people write them."""

import pytest
from posts import HEAD, LOG, SPLIT, network

import skloss

COMPILED = "model.compile(optimizer=Adam(1e-2), loss='binary_crossentropy')\n"
FITTED = "model.fit(X, y, epochs=9, batch_size=8)\n"
BUILDERS = {
    "list": "model = Sequential([Dense(8, 'relu'), Dropout(0.5), "
    "Dense(1, 'sigmoid')])\n",
    "add": "model = Sequential()\nmodel.add(Dense(8, activation='relu'))\n"
    "model.add(Dropout(0.5))\nmodel.add(Dense(1, activation='sigmoid'))\n",
    "functional": "i = Input((3,))\nx = Dense(8, activation='relu')(i)\n"
    "x = Dropout(rate=0.5)(x)\nmodel = Model(i, Dense(1, activation='sigmoid')(x))\n",
    "modules": "import tensorflow as tf\nL = tf.keras.layers\n"
    "model = tf.keras.Sequential([L.Dense(8, tf.nn.relu), L.Dropout(0.5), "
    "L.Dense(1, activation=tf.nn.sigmoid)])\n",
    "old names": "model = Sequential()\n"
    "model.add(Dense(output_dim=8, init='uniform', input_dim=3, activation='relu'))\n"
    "model.add(Dropout(p=0.5))\nmodel.add(Dense(output_dim=1, activation='sigmoid'))\n",
    "layers of activations": "model = Sequential([Dense(8), Activation('relu'), "
    "Dropout(0.5), Dense(1), Activation('sigmoid')])\n",
    "constants and a loop": "UNITS, RATE = [8], 0.25 * 2\nmodel = Sequential()\n"
    "for n in UNITS:\n    model.add(Dense(n, activation='relu'))\n"
    "    model.add(Dropout(RATE))\n"
    "model.add(Dense(len(UNITS), activation='sigmoid'))\n",
    "function": "def build(n, rate=0.5, **options):\n    m = Sequential()\n"
    "    m.add(Dense(n, activation='relu'))\n    m.add(Dropout(rate))\n"
    "    m.add(Dense(1, **options))\n    return m\n"
    "model = build(8, activation='sigmoid')\n",
    "object": "class Task:\n    n = 8\n    def __init__(self, rate):\n"
    "        self.rate = rate\n    def build(self):\n        return Sequential([Dense("
    "self.n, 'relu'), Dropout(self.rate), Dense(1, 'sigmoid')])\n"
    "model = Task(0.5).build()\n",
}


@pytest.mark.parametrize("name", BUILDERS)
def test_one_network_is_read_in_every_spelling(name):
    case = skloss.diagnose(code=BUILDERS[name] + COMPILED + FITTED).case
    kernels = [layer for layer in case.layers if layer.kind == "dense"]
    assert [layer.units for layer in kernels] == [8, 1]
    assert [x.rate for x in case.layers if x.kind == "dropout"] == [0.5]
    assert (case.head.activation, case.task) == ("sigmoid", "binary")
    training = case.training
    assert (training.optimizer, training.learning_rate) == ("adam", 0.01)
    assert (training.epochs, training.batch_size, case.holdout) == (9, 8, "none")


UNREAD = {
    "a subclass": (
        "class Net(keras.Model):\n    def call(self, x):\n        return self.d(x)\n"
        f"model = Net()\n{COMPILED}{FITTED}",
        "subclass of keras.Model",
    ),
    "several outputs": (
        f"i = Input((3,))\nmodel = Model(i, [Dense(1)(i), Dense(2)(i)])\n{COMPILED}",
        "several outputs",
    ),
    "PyTorch": (
        "import torch\nclass Net(torch.nn.Module):\n    pass\nNet()\n",
        "PyTorch",
    ),
    "another library": ("clf = RandomForestClassifier().fit(X, y)\n", "no network"),
    "a pipeline of its own": (
        "p = MyPipeline([Scaler()])\np.fit(X, y)\n",
        "no network",
    ),
    "R": (
        "model <- keras_model_sequential()\nmodel %>% compile('adam')\n",
        "no network",
    ),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_network_that_is_not_read_is_said_in_a_sentence(name):
    code, said = UNREAD[name]
    diagnosis = skloss.diagnose(code=code, history=LOG)
    assert diagnosis.case.layers is None
    assert any(said in note for note in diagnosis.notes)
    assert diagnosis.case.n_epochs == 5


def test_what_the_code_does_not_show_is_not_assessed():
    code = network("Dense(n_out, activation=act)", "loss=custom, optimizer=opt")
    diagnosis = skloss.diagnose(code=code, history=LOG)
    assert diagnosis.ok
    for name in ("softmax-one-unit", "linear-output", "wrong-loss"):
        assert name in diagnosis.not_assessed


@pytest.mark.parametrize(
    ("fit", "kind"),
    [
        ("class_weight={0: 1.0, 1: 5.0}", "dict"),
        ("class_weight=[1.0, 5.0]", "list"),
        ("class_weight=compute_class_weight('balanced', np.unique(y), y)", "ndarray"),
        ("class_weight=dict(enumerate(weights))", "dict"),
        ("callbacks=[EarlyStopping(patience=3)]", "none"),
    ],
)
def test_class_weights_are_read_with_their_kind(fit, kind):
    case = skloss.diagnose(code=network(fit=f"model.fit(X, y, {fit})")).case
    assert case.training.class_weight_kind == kind


# ------------------------------------------------------------------------- estimators


def test_an_mlp_classifier_is_read_like_a_fitted_one():
    from sklearn.datasets import load_breast_cancer
    from sklearn.neural_network import MLPClassifier

    X, y = load_breast_cancer(return_X_y=True)
    options = "(9, 8), activation='identity', max_iter=2, batch_size=50, solver='sgd'"
    code = (
        "X, y = load_breast_cancer(return_X_y=True)\n"
        f"clf = MLPClassifier({options})\nclf.fit(X, y)\n"
    )
    fitted = MLPClassifier((9, 8), activation="identity", max_iter=2, batch_size=50)
    fitted.set_params(solver="sgd")
    with pytest.warns(match="Maximum iterations"):
        fitted.fit(X / 100, y)
    read, true = skloss.diagnose(code=code).case, skloss.diagnose(fitted).case
    assert (read.task, read.n_classes, read.holdout, read.origin) == (
        *(true.task, true.n_classes, true.holdout),
        true.origin,
    )
    for layer, other in zip(read.layers, true.layers, strict=True):
        assert (layer.units, layer.activation) == (other.units, other.activation)
    for name in ("loss", "optimizer", "learning_rate", "epochs", "batch_size"):
        assert getattr(read.training, name) == getattr(true.training, name)


def test_the_steps_of_a_pipeline_are_read():
    code = (
        "pipe = Pipeline([('s', StandardScaler()), ('r', SMOTE()), "
        "('c', DenseClassifier(width=(8, 4), activation='linear'))])\npipe.fit(X, y)\n"
    )
    case = skloss.diagnose(code=code).case
    assert (case.is_resampled, case.preparation.is_scaled) == (True, True)
    assert [layer.units for layer in case.layers] == [8, 4, None]
    assert skloss.diagnose(code=code).find("linear-stack") is not None


def test_defaults_of_our_classifiers_are_theirs():
    training = skloss.diagnose(code="DenseClassifier().fit(X, y)\n").case.training
    default = skloss.DenseClassifier()
    for name in ("optimizer", "learning_rate", "epochs", "batch_size"):
        assert getattr(training, name) == getattr(default, name)


BUILD = (
    f"{HEAD}def build(hidden=4):\n    model = Sequential()\n"
    "    model.add(Dense(hidden, activation='relu'))\n"
    "    model.add(Dense(1, activation='softmax'))\n    return model\n"
)


@pytest.mark.parametrize(
    "use",
    [
        "clf.fit(X, y)",
        "cross_val_score(clf, X, y, cv=5)",
        "make_pipeline(StandardScaler(), clf).fit(X, y)",
    ],
)
def test_the_network_of_a_wrapper_is_read_with_its_settings(use):
    code = (
        f"{BUILD}clf = KerasClassifier(build_fn=build, loss='binary_crossentropy', "
        f"optimizer='adam', optimizer__learning_rate=0.1, epochs=7, hidden=6)\n{use}\n"
    )
    diagnosis = skloss.diagnose(code=code)
    assert diagnosis.find("softmax-one-unit") is not None
    training = diagnosis.case.training
    assert (training.learning_rate, training.epochs) == (0.1, 7)
    assert diagnosis.case.layers[0].units == 6


def test_what_a_search_varies_is_not_known():
    code = (
        f"{SPLIT}pipe = Pipeline([('c', MLPClassifier((5, 5), 'identity'))])\n"
        "grid = {'c__activation': ['relu', 'tanh'], 'c__max_iter': [10, 20]}\n"
        "GridSearchCV(pipe, grid).fit(X_train, y_train)\n"
    )
    diagnosis = skloss.diagnose(code=code)
    assert diagnosis.find("linear-stack") is None
    assert diagnosis.case.training.epochs is None
    assert "the settings that the search varies" in diagnosis.notes[0]
