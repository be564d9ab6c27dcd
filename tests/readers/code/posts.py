"""Code and logs, as people paste them, for the tests of the reader of code."""

HEAD = "from keras.models import Sequential\nfrom keras.layers import Dense\n"
READ = "X = pd.read_csv('a.csv')\ny = X.pop('label')\n"
SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y)\n"
VALIDATED = "model.fit(X_train, y_train, epochs=5, validation_data=(X_test, y_test))"
FAULTY = (
    "model = Sequential()\n"
    "model.add(Dense(32, activation='relu', input_dim=20))\n"
    "model.add(Dense(1, activation='softmax'))\n"
    "model.compile(loss='binary_crossentropy', optimizer='adam', "
    "metrics=['accuracy'])\n"
    f"{VALIDATED}\n"
)


def network(
    head: str = "Dense(1, activation='sigmoid')",
    compiled: str = "loss='binary_crossentropy', optimizer='adam'",
    fit: str = "model.fit(X, y, epochs=5)",
    before: str = "",
) -> str:
    """Return the code of a network with an output layer, after other code."""
    return (
        f"{before}{HEAD}model = Sequential()\n"
        "model.add(Dense(16, activation='relu'))\n"
        f"model.add({head})\nmodel.compile({compiled})\n{fit}\n"
    )


def log(losses: list[float], steps: int = 20, **others: list[float]) -> str:
    """Return what Keras prints of these curves."""
    lines = []
    for epoch, loss in enumerate(losses):
        told = "".join(f" - {k}: {v[epoch]:.4f}" for k, v in others.items())
        lines += [
            f"Epoch {epoch + 1}/{len(losses)}",
            f"{steps}/{steps} [====] - 0s 2ms/step - loss: {loss:.4f}{told}",
        ]
    return "\n".join(lines) + "\n"


LOG = log([0.6, 0.3, 0.2, 0.19, 0.188], accuracy=[0.8, 0.85, 0.9, 0.91, 0.91])
