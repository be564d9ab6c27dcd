"""Code and log, as people paste them, give the finding that their fault deserves."""

import numpy as np
import pytest
from posts import HEAD, LOG, SPLIT, VALIDATED, log, network

import skloss

CASES = {
    "softmax-one-unit": network("Dense(output_dim=1, activation='softmax')"),
    "sigmoid-with-from-logits": network(
        compiled="loss=tf.keras.losses.BinaryCrossentropy(from_logits=True)"
    ),
    "sigmoid-output-multiclass": network(
        "Dense(4, activation='sigmoid')", "loss='categorical_crossentropy'"
    ),
    "linear-output-without-from-logits": network("Dense(1)"),
    "batchwise-metric": network(
        compiled="loss='binary_crossentropy', metrics=[f1]",
        before="def f1(y_true, y_pred):\n    return K.mean(y_true * y_pred)\n",
    ),
    "resample-before-split": network(
        fit=VALIDATED, before=f"X, y = SMOTE().fit_resample(X, y)\n{SPLIT}"
    ),
    "unshuffled-tail-validation": network(
        fit="model.fit(X, y, epochs=3, validation_split=0.2)",
        before="df = pd.read_csv('a.csv').sort_values('label')\n"
        "X, y = df.drop('label', axis=1).values, df['label'].values\n",
    ),
    "test-scaling-mismatch": network(
        fit=VALIDATED,
        before=f"{SPLIT}X_train = StandardScaler().fit_transform(X_train)\n",
    ),
    "train-rows-in-validation": network(
        fit="model.fit(X_train, y_train, epochs=5, validation_data=(X, y))",
        before=SPLIT,
    ),
    "double-balancing": network(
        fit="model.fit(X_r, y_r, epochs=5, class_weight={0: 1.0, 1: 9.0})",
        before="X_r, y_r = SMOTE().fit_resample(X_train, y_train)\n",
    ),
    "class-weight-without-effect": network(
        fit="model.fit(X, y, class_weight=compute_class_weight('balanced', c, y))"
    ),
    "dropout-excess": network("Dropout(0.97))\nmodel.add(Dense(1)"),
    "constant-init": network().replace("'relu')", "'relu', init='zero')"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_the_code_is_found(name):
    assert skloss.diagnose(code=CASES[name], history=LOG).find(name) is not None


@pytest.mark.parametrize(
    ("weights", "severity"),
    [("{0: 1.0, 1: 9.0, 2: 9.0}", "info"), ("{1: 1.0, 2: 9.0}", "error")],
)
def test_a_class_weight_too_many_is_no_error_if_every_class_has_one(weights, severity):
    code = network(fit=f"model.fit(X, y, class_weight={weights})")
    found = skloss.diagnose(code=code).find("class-weight-without-effect")
    assert found.severity == severity


LABELS = "df = pd.read_csv('a.csv')\nX, y = df.drop('c', axis=1), df['c']\n"
SPARSE = "loss='sparse_categorical_crossentropy'"
CATEGORICAL = "loss='categorical_crossentropy'"
BINARY = "loss='binary_crossentropy'"
FOCAL = "loss=CategoricalFocalCrossentropy()"
ENCODED = "y = LabelBinarizer().fit_transform(y)"


@pytest.mark.parametrize(
    ("encoding", "units", "loss", "told"),
    [
        ("y = to_categorical(y)", 3, SPARSE, "one-hot rows"),
        ("y = pd.get_dummies(y).values", 2, SPARSE, "one-hot rows"),
        ("y = OneHotEncoder().fit_transform(df[['c']])", 3, SPARSE, "one-hot rows"),
        (ENCODED, 3, SPARSE, "one-hot rows"),
        ("y = tf.one_hot(y, 3)", 3, SPARSE, "one-hot rows"),
        ("y = np.eye(3)[y]", 3, SPARSE, "one-hot rows"),
        ("y = to_categorical(y)", 1, BINARY, "one-hot rows"),
        ("y = to_categorical(y)", 1, "loss='mse'", "each of their columns"),
        ("y = LabelEncoder().fit_transform(y)", 3, CATEGORICAL, "one number per row"),
        ("", 3, CATEGORICAL, "one number per row"),
        ("", 2, BINARY, "one number per row"),
        (ENCODED, 2, CATEGORICAL, "one number per row"),  # one column of two classes
        ("", 3, FOCAL, "compares every output with the number"),
        ("", 3, "loss='mse'", "compares every output with the number"),
    ],
)
def test_labels_of_another_encoding_than_the_loss_expects_are_found(
    encoding, units, loss, told
):
    head = f"Dense({units}, activation='softmax')"
    code = network(head, loss, before=f"{LABELS}{encoding}\n")
    found = skloss.diagnose(code=code).find("target-encoding-mismatch")
    assert told in found.title
    assert found.evidence["line of the code"].value == (3 if encoding else 2)


@pytest.mark.parametrize(
    ("encoding", "units", "loss"),
    [
        ("", 3, SPARSE),
        ("", 1, BINARY),
        ("", 1, "loss='mse'"),
        ("y = to_categorical(y)", 3, CATEGORICAL),
        ("y = to_categorical(y).argmax(axis=1)", 3, SPARSE),
        ("y = pd.get_dummies(y)['yes']", 1, BINARY),
        ("y = pd.get_dummies(y, drop_first=True)", 1, BINARY),
        (ENCODED, 3, CATEGORICAL),
        (ENCODED, 2, SPARSE),
        (ENCODED, 1, BINARY),
        ("y = encode(y)", 3, CATEGORICAL),
        (f"y = to_categorical(y)\n{SPLIT.strip()[:-1]}, stratify=y)", 3, CATEGORICAL),
    ],
)
def test_labels_of_the_encoding_that_the_loss_expects_are_right(encoding, units, loss):
    head = f"Dense({units}, activation='softmax')"
    code = network(head, loss, before=f"{LABELS}{encoding}\n")
    assert skloss.diagnose(code=code).find("target-encoding-mismatch") is None


def test_labels_that_only_fit_encodes_are_found():
    before = f"{LABELS}{SPLIT}y_train = to_categorical(y_train)\n"
    head = "Dense(3, activation='softmax')"
    code = network(head, CATEGORICAL, VALIDATED, before)
    found = skloss.diagnose(code=code).find("target-encoding-mismatch")
    assert "validation labels" in found.title
    assert "validation_data" in found.fix


def test_a_log_shows_that_keras_took_the_labels():
    before = f"{LABELS}y = to_categorical(y)\n"
    code = network("Dense(3, activation='softmax')", SPARSE, before=before)
    found = skloss.diagnose(code=code, history=LOG)
    assert found.find("target-encoding-mismatch") is None


LOGITS = "loss=BinaryCrossentropy(from_logits=True)"
RARE_METRICS = "metrics=[AUC(), Precision(name='p')]"
OF_LOGITS = "metrics=[AUC(from_logits=True), BinaryAccuracy(threshold=0.0)]"


@pytest.mark.parametrize(
    ("after", "metrics"),
    [
        ("labels = (model.predict(X) > 0.5).astype('int32')", ""),
        ("p = model.predict(X)\nlabels = np.where(p >= 0.5, 1, 0)", ""),
        ("p = model.predict(X).ravel()\nlabels = [1 if v > 0.5 else 0 for v in p]", ""),
        ("p = model.predict(X)\nlabels = [round(v[0]) for v in p]", ""),
        ("labels = np.round(model.predict(X))", ""),
        ("cut = 0.5\nfor v in model.predict(X):\n    if v > cut:\n        n += 1", ""),
        ("", RARE_METRICS),
        ("", "metrics=['accuracy', 'Recall']"),
    ],
)
def test_logits_that_are_read_as_probabilities_are_found(after, metrics):
    code = network("Dense(1)", f"{LOGITS}, {metrics}") + after
    found = skloss.diagnose(code=code).find("logits-read-as-probabilities")
    assert found.severity == "warning"
    if after:
        place = found.evidence["line of the code"].value
        assert any(
            word in code.splitlines()[place - 1] for word in ("0.5", "ound", "cut")
        )


@pytest.mark.parametrize(
    ("after", "metrics"),
    [
        ("labels = model.predict(X) > 0", ""),
        ("p = tf.sigmoid(model.predict(X))\nlabels = p > 0.5", ""),
        ("p = 1 / (1 + np.exp(-model.predict(X)))\nlabels = p > 0.5", ""),
        ("", OF_LOGITS),
        ("", "metrics=['accuracy']"),  # only a remark
    ],
)
def test_logits_that_are_read_as_logits_raise_no_alarm(after, metrics):
    code = network("Dense(1)", f"{LOGITS}, {metrics}") + after
    found = skloss.diagnose(code=code).find("logits-read-as-probabilities")
    assert found is None or not found.is_alarm


@pytest.mark.parametrize("how", ["np.argmax({}, axis=1)", "{}.argmax(axis=-1)"])
def test_the_argmax_of_one_unit_is_found(how):
    after = f"labels = {how.format('model.predict(X)')}\n"
    found = skloss.diagnose(code=network() + after).find("argmax-of-one-unit")
    assert found.severity == "error"
    assert "> 0.5" in found.fix
    two = network("Dense(2, activation='softmax')", SPARSE) + after
    assert skloss.diagnose(code=two).find("argmax-of-one-unit") is None
    best = network() + "row = np.argmax(model.predict(X))\n"
    assert skloss.diagnose(code=best).find("argmax-of-one-unit") is None


SCORED = "loss='binary_crossentropy', metrics=['accuracy', AUC(name='auc')]"


@pytest.mark.parametrize(
    ("stopping", "held_out", "told"),
    [
        ("monitor='val_f1', mode='max'", True, "no such curve"),
        ("monitor='val_AUC', mode='max'", True, "no such curve"),
        ("monitor='val_loss'", False, "no such curve"),
        ("monitor='val_auc', mode='min'", True, "worst epoch"),
        ("'val_loss', 0, 5, 0, 'max'", True, "worst epoch"),
        ("monitor='loss'", True, "training rows"),
    ],
)
def test_early_stopping_that_watches_the_wrong_curve_is_found(stopping, held_out, told):
    fit = VALIDATED if held_out else "model.fit(X_train, y_train)"
    fit = f"stop = EarlyStopping({stopping})\n{fit[:-1]}, callbacks=[stop])"
    found = skloss.diagnose(code=network(compiled=SCORED, fit=fit, before=SPLIT))
    assert told in found.find("wrong-monitor").title
    assert found.find("wrong-monitor").is_alarm


def test_no_version_of_keras_logs_acc_as_accuracy():
    fit = f"stop = EarlyStopping('val_accuracy')\n{VALIDATED[:-1]}, callbacks=[stop])"
    compiled = "loss='binary_crossentropy', metrics=['acc']"
    found = skloss.diagnose(code=network(compiled=compiled, fit=fit, before=SPLIT))
    assert "no such curve" in found.find("wrong-monitor").title
    assert '"val_acc"' in found.find("wrong-monitor").fix


@pytest.mark.parametrize(
    ("callbacks", "metrics"),
    [
        ("[EarlyStopping(monitor='val_auc', mode='max')]", "['accuracy', AUC()]"),
        ("[EarlyStopping('val_acc', restore_best_weights=True)]", "['accuracy']"),
        ("[EarlyStopping(patience=5)]", "['accuracy']"),
        ("[F1(), EarlyStopping(monitor='val_f1', mode='max')]", "['accuracy']"),
        ("[EarlyStopping(monitor='val_f1', mode='max')]", "METRICS"),
    ],
)
def test_early_stopping_that_watches_a_right_curve_raises_no_alarm(callbacks, metrics):
    before = "class F1(Callback):\n    pass\n" + SPLIT
    fit = f"{VALIDATED[:-1]}, callbacks={callbacks})"
    compiled = f"loss='binary_crossentropy', metrics={metrics}"
    found = skloss.diagnose(code=network(compiled=compiled, fit=fit, before=before))
    assert found.find("wrong-monitor") is None


SAMPLED = "Xr, yr = RandomOverSampler().fit_resample(X, y)\n"
PARTS = "X_train, X_test, y_train, y_test = train_test_split(Xr, yr)\n"
MLP = "net = MLPClassifier((100, 50))\n"
STOPPED = "net = MLPClassifier((100, 50), early_stopping=True)\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (f"{SAMPLED}{MLP}cross_val_score(net, Xr, yr, cv=5)", "folds were made"),
        (f"{SAMPLED}{MLP}cross_validate(net, X=Xr, y=yr)", "folds were made"),
        (f"{SAMPLED}{MLP}GridSearchCV(net, grid).fit(Xr, yr)", "folds were made"),
        (
            f"{SAMPLED}{MLP}pipe = make_pipeline(StandardScaler(), net)\n"
            "cross_val_predict(pipe, Xr, yr)",
            "folds were made",
        ),
        (f"{SAMPLED}{PARTS}{MLP}net.fit(X_train, y_train)", "test rows were split off"),
        (
            SAMPLED + PARTS + network(fit="model.fit(X_train, y_train, epochs=5)"),
            "test rows were split off",
        ),
        (
            f"{SAMPLED}{MLP}for train, test in StratifiedKFold(5).split(Xr, yr):\n"
            "    net.fit(Xr[train], yr[train])",
            "test rows were split off",
        ),
        (
            f"{SAMPLED}folds = KFold(3, shuffle=True)\n"
            "for i, (a, b) in enumerate(folds.split(Xr)):\n    net = "
            "MLPClassifier((9, 9)).fit(Xr.iloc[a], yr.iloc[a])",
            "test rows were split off",
        ),
        (f"{SAMPLED}{STOPPED}net.fit(Xr, yr)", "validation rows were split off"),
    ],
)
def test_rows_held_out_in_any_way_of_what_a_sampler_made_are_found(code, told):
    found = skloss.diagnose(code=code)
    assert told in found.find("resample-before-split").title
    line = "skloss.make_pipeline(RandomOverSampler(), classifier).fit(X, y)"
    assert line in [step.code for step in found.next_steps]


@pytest.mark.parametrize(
    "sampler", ["RandomUnderSampler(random_state=0)", "NearMiss()", "TomekLinks()"]
)
def test_an_under_sampler_before_a_split_copies_nothing_but_shifts_the_classes(sampler):
    code = network(
        before=f"X, y = {sampler}.fit_resample(X, y)\n{SPLIT}", fit=VALIDATED
    )
    found = skloss.diagnose(code=code).find("resample-before-split")
    assert found.severity == "warning"
    assert "under-sampler" in found.title
    assert "precision" in found.title
    assert found.evidence["rows that are copied"].value == "none"
    assert "keep the class shares of new rows" in found.fix


BY_HAND = (
    "df = pd.read_csv('a.csv')\nfraud = df[df.Class == 1]\nnormal = df[df.Class == 0]\n"
    "{}\nX = new.drop('Class', axis=1)\ny = new['Class']\n"
)


@pytest.mark.parametrize(
    ("how", "sampler", "severity"),
    [
        ("pd.concat([normal.sample(n=492), fraud])", "Under", "warning"),
        (
            "pd.concat([resample(normal, replace=False, n_samples=492), fraud])",
            "Under",
            "warning",
        ),
        ("pd.concat([normal, fraud.sample(9000, replace=True)])", "Over", "error"),
        ("pd.concat([normal, resample(fraud, n_samples=9000)])", "Over", "error"),
    ],
)
def test_classes_that_are_balanced_by_hand_before_a_split_are_found(
    how, sampler, severity
):
    before = BY_HAND.format(f"new = {how}.sample(frac=1)") + SPLIT
    found = skloss.diagnose(code=network(before=before, fit=VALIDATED))
    assert found.find("resample-before-split").severity == severity
    line = f"skloss.make_pipeline(Random{sampler}Sampler(), classifier).fit(X, y)"
    assert line in [step.code for step in found.next_steps]


def test_classes_that_are_only_stacked_are_not_resampled():
    before = BY_HAND.format("new = pd.concat([normal, fraud]).sample(frac=1)") + SPLIT
    found = skloss.diagnose(code=network(before=before, fit=VALIDATED))
    assert found.find("resample-before-split") is None


def test_an_over_sampler_beside_an_under_sampler_copies_rows():
    both = "X, y = SMOTE().fit_resample(X, y)\nX, y = TomekLinks().fit_resample(X, y)\n"
    found = skloss.diagnose(code=network(before=f"{both}{SPLIT}", fit=VALIDATED))
    assert found.find("resample-before-split").severity == "error"


def test_validation_rows_of_a_fold_are_those_of_its_other_side():
    folds = "for a, b in KFold(5, shuffle=True).split(Xr):\n    "
    fit = "model.fit(Xr[a], yr[a], validation_data=(Xr[b], yr[b]))"
    leaks = skloss.diagnose(code=network(fit=folds + fit, before=SAMPLED))
    assert "validation rows were" in leaks.find("resample-before-split").title
    fit = "model.fit(X[a], y[a], validation_data=(X[b], y[b]))"
    found = skloss.diagnose(code=network(fit=folds.replace("Xr", "X") + fit))
    assert found.find("resample-before-split") is None
    assert found.find("train-rows-in-validation") is None


def test_a_network_of_hardly_any_paths_is_warned_of_without_a_log():
    code = network("Dropout(0.9))\nmodel.add(Dense(1, activation='sigmoid')")
    assert skloss.diagnose(code=code).find("dropout-excess").severity == "warning"


def test_an_absurd_rate_is_warned_of_without_a_log():
    rate = "loss='binary_crossentropy', optimizer=Adam(learning_rate=10)"
    code = network(compiled=rate)
    assert skloss.diagnose(code=code).find("lr-too-high").severity == "warning"
    fine = skloss.diagnose(code=code, history=LOG).find("lr-too-high")
    assert fine.severity == "info"


def test_two_sigmoids_of_one_distribution_are_warned_of():
    compiled = "loss='sparse_categorical_crossentropy', optimizer='adam'"
    found = skloss.diagnose(code=network("Dense(2, activation='sigmoid')", compiled))
    assert found.find("sigmoid-output-multiclass").severity == "warning"


@pytest.mark.parametrize(
    "code",
    [
        f"{MLP}cross_val_score(make_pipeline(RandomOverSampler(), net), X, y)",
        f"{MLP}GridSearchCV(Pipeline([('s', SMOTE()), ('n', net)]), grid).fit(X, y)",
        f"{SPLIT}Xr, yr = SMOTE().fit_resample(X_train, y_train)\n{MLP}net.fit(Xr, yr)",
        f"{SAMPLED}{MLP}FixedThresholdClassifier(net, threshold=0.3).fit(Xr, yr)",
        f"{SAMPLED}{MLP}OutOfBagThresholdClassifier(net).fit(Xr, yr)",
        f"{MLP}cross_val_score(net, X, y)\n{SAMPLED}net.fit(Xr, yr)",
        f"{MLP}for train, test in KFold(5).split(X):\n"
        "    Xr, yr = SMOTE().fit_resample(X[train], y[train])\n    net.fit(Xr, yr)",
    ],
)
def test_a_sampler_behind_every_hold_out_is_right(code):
    assert skloss.diagnose(code=code).find("resample-before-split") is None


def test_linear_convolutions_are_the_cause_where_one_class_is_predicted():
    code = (
        f"{HEAD}y = to_categorical(y)\nmodel = Sequential()\n"
        "model.add(Conv1D(32, 3, input_shape=(1034, 1)))\n"
        "model.add(Conv1D(16, 3))\nmodel.add(MaxPooling1D(2))\n"
        "model.add(Flatten())\nmodel.add(Dense(10))\n"
        "model.add(Dense(2, activation='sigmoid'))\n"
        "model.compile(loss='binary_crossentropy', metrics=['accuracy'])\n"
        "model.fit(X, y, epochs=5, validation_data=(X_val, y_val))\n"
    )
    printed = log(
        [0.3013, 0.2799, 0.2774, 0.2765, 0.2761],
        accuracy=[0.9128, 0.915, 0.915, 0.915, 0.915],
        val_loss=[0.2901, 0.2866, 0.2860, 0.2858, 0.2871],
        val_accuracy=[0.9147] * 5,
    )
    cause = skloss.diagnose(code=code, history=printed).findings[0]
    assert (cause.name, cause.severity) == ("linear-conv", "error")
    explained = {finding.name: finding.title for finding in cause.explains}
    assert "one class is predicted for all rows" in explained["majority-collapse"]
    assert "about 0.277 from epoch 2 on" in explained["loss-never-moves"]


def test_a_network_that_learns_its_rows_is_not_told_to_scale_them():
    curves = {
        "loss": [0.45, 0.22, 0.1, 0.05, 0.03],
        "val_loss": [0.39, 0.41, 0.58, 0.72, 0.81],
        "val_f1": [0.0] * 5,
        "val_accuracy": [0.93] * 5,
    }
    found = skloss.diagnose(curves)
    assert "which class the metric takes" in found.find("majority-collapse").fix
    assert found.find("overfit") is not None
    assert found.find("overconfident-probabilities") is None


GENERATORS = (
    "train = ImageDataGenerator(rescale=1 / 255).flow_from_directory('train')\n"
    "val = ImageDataGenerator({}).flow_from_directory('val')\n"
)


@pytest.mark.parametrize(("scaled", "is_found"), [("", True), ("rescale=1/255", False)])
def test_images_of_generators_are_scaled_alike(scaled, is_found):
    fit = "model.fit(train, validation_data=val, epochs=5)"
    found = skloss.diagnose(code=network(fit=fit, before=GENERATORS.format(scaled)))
    finding = found.find("test-scaling-mismatch")
    assert (finding is not None) is is_found
    if is_found:
        told = "training rows only, by a rescale of ImageDataGenerator in line 1"
        assert told in str(finding)


def test_a_usual_network_raises_no_alarm():
    assert skloss.diagnose(code=network(), history=LOG).ok


def test_the_repaired_order_of_steps_raises_no_alarm():
    before = (
        f"{SPLIT}scaler = StandardScaler().fit(X_train)\n"
        "X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)\n"
    )
    assert skloss.diagnose(code=network(fit=VALIDATED, before=before), history=LOG).ok


# ---------------------------------------------------------- evidence of code and curves

BATCH_NORM = "model.add(BatchNormalization())\nmodel.compile"
TAIL = "model.fit(X, y, batch_size=32, epochs=3, validation_split=0.25)"


def early_gap(val_accuracy, code):
    curves = {"accuracy": [0.7, 0.9, 0.95], "val_accuracy": [val_accuracy] * 3}
    return skloss.diagnose(code=code, history=log([1.0, 0.5, 0.3], **curves))


def test_last_rows_that_are_behind_before_memorizing_are_told():
    found = early_gap(0.3, network(fit=TAIL)).find("unshuffled-tail-validation")
    # 20 batches of 32 rows are three quarters: 213 rows were held out.
    error = np.sqrt(0.7 * 0.3 / (20 * 32 / 3))
    assert found.evidence["behind by"].value == pytest.approx(0.4 / error, rel=1e-3)


@pytest.mark.parametrize(
    ("val_accuracy", "code"),
    [
        (0.68, network(fit=TAIL)),
        (0.3, network(fit=TAIL, before="X, y = shuffle(X, y)\n")),
        (0.3, network(fit=TAIL).replace("model.compile", BATCH_NORM)),
    ],
    ids=["not behind", "shuffled", "batch normalization lags"],
)
def test_no_order_is_told_where_another_reason_explains_the_gap(val_accuracy, code):
    assert early_gap(val_accuracy, code).find("unshuffled-tail-validation") is None


@pytest.mark.parametrize(
    ("accuracy", "loss", "is_found"),
    [(0.8, 0.5, True), (0.8, 0.2, False), (1.0, 0.01, False)],
    ids=["loss of a guess of 80 %", "far better than it", "all right"],
)
def test_an_accuracy_that_stands_still_shows_one_predicted_class(
    accuracy, loss, is_found
):
    losses = [loss + 0.002 * left for left in range(6, 0, -1)]
    text = log(losses, accuracy=[accuracy] * 6, val_accuracy=[accuracy] * 6)
    code = network(fit=VALIDATED, before="X = StandardScaler().fit_transform(X)\n")
    found = skloss.diagnose(code=code, history=text).find("majority-collapse")
    assert (found is not None) is is_found


@pytest.mark.parametrize(("first", "severity"), [(30.0, "warning"), (0.7, "info")])
def test_large_first_weights_are_an_alarm_where_the_loss_begins_high(first, severity):
    code = network().replace("'relu')", "'relu', init=RandomNormal(0.0, 5.0))")
    found = skloss.diagnose(code=code, history=log([first, 0.6, 0.5])).find(
        "large-init"
    )
    assert found.severity == severity


@pytest.mark.parametrize("first", [30.0, 0.7])
def test_inputs_that_no_code_scales_are_told_by_the_first_loss(first):
    code = network(before="X = pd.read_csv('a.csv').values\n")
    diagnosis = skloss.diagnose(code=code, history=log([first, 0.6, 0.5]))
    assert (diagnosis.find("unscaled-inputs") is not None) is (first > 1)


# ------------------------------------------------------------------------- arguments


def test_the_line_of_the_code_is_shown():
    found = skloss.diagnose(code=network("Dense(1, activation='softmax')")).findings[0]
    assert found.evidence["line of the code"].value == 5


def test_a_log_that_is_none_is_noted():
    diagnosis = skloss.diagnose(code=network(), history="no log\nat all\n")
    assert "the log was not understood" in diagnosis.notes[0]


def test_both_source_and_code_are_refused():
    with pytest.raises(ValueError, match="Both source and code"):
        skloss.diagnose({"loss": [1.0]}, code="x = 1\n")


def test_nothing_given_is_refused():
    with pytest.raises(ValueError, match="Nothing to diagnose"):
        skloss.diagnose()


def test_code_that_is_no_text_is_refused():
    with pytest.raises(skloss.exceptions.DiagnosisError, match="got int"):
        skloss.diagnose(code=3)


def test_rows_beside_code_are_noted():
    diagnosis = skloss.diagnose(code=network(), X=[[1.0]], y=[0])
    assert diagnosis.notes == ("X and y not read: the source is code",)
