"""Images: their shapes, their networks, and changes that only training sees."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from scipy.ndimage import rotate
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

import skloss.training.trainer as trainer
from skloss import CNN2DClassifier, diagnose, make_pipeline
from skloss.exceptions import ImageShapeWarning
from skloss.networks.layers import BatchNorm, Conv2D, Dense, Dropout, Residual
from skloss.training import ImageAugmentation

N_ROWS = 60
ALL_CHANGES = {"flip": "both", "shift": 0.2, "rotation": 30, "contrast": 0.3}


def small(**options):
    own = {"width": 3, "depth": 1, "head": (), "epochs": 2, "random_state": 0}
    return CNN2DClassifier(**own | options)


def images(*shape):
    X = np.random.default_rng(0).normal(size=(N_ROWS, *shape)).astype("f4")
    return X, (X.reshape(N_ROWS, -1)[:, 0] > 0).astype(int)


# ------------------------------------------------------------------- published networks


def network(shape=(32, 32, 3), n_outputs=10, **options):
    return CNN2DClassifier(**options)._network(shape, n_outputs)


def resnet(n_units, widths, strides):
    blocks = [(widths[0],), *((width,) * 2 * n_units for width in widths)]
    return network(
        filters=blocks,
        strides=(1, *strides),
        pool_size=1,
        residual=True,
        batch_norm=True,
        global_pooling="average",
        head=(),
        dropout=0,
    )


def main_way(spec):
    """Layers with kernels from the input to the output, without shortcuts."""
    for layer in spec.layers:
        parts = layer.branch if isinstance(layer, Residual) else (layer,)
        yield from (part for part in parts if isinstance(part, Conv2D | Dense))


def test_resnet_20_has_the_layers_and_the_size_that_its_paper_gives():
    spec = resnet(3, (16, 32, 64), (1, 2, 2))
    # He et al. 2016, section 4.2: 6n + 2 layers, and table 6: 0.27 million.
    layers = list(main_way(spec))
    assert len(layers) == 20
    assert [layer.filters for layer in layers[:-1]] == [16] * 7 + [32] * 6 + [64] * 6
    maps = [shape[0] for shape in spec.shapes() if len(shape) == 3]
    assert [maps.count(size) for size in (32, 16, 8)] == [6, 3, 3]
    assert round(spec.n_parameters / 1e6, 2) == 0.27
    # Kernels, then gamma and beta; two projections; the head.
    kernels = 9 * (3 * 16 + 6 * 16**2 + 16 * 32 + 5 * 32**2 + 32 * 64 + 5 * 64**2)
    norms = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert spec.n_parameters == kernels + norms + projections + 64 * 10 + 10


def test_resnet_18_has_the_published_number_of_parameters():
    spec = resnet(2, (64, 128, 256, 512), (1, 2, 2, 2))
    # torchvision publishes 11,689,512, with a stem of 7 x 7 and 1,000 classes.
    stem, head = 64 * 3 * (7 * 7 - 3 * 3), (512 + 1) * (1000 - 10)
    assert spec.n_parameters + stem + head == 11_689_512


def test_vgg_16_has_the_published_number_of_parameters():
    spec = network(
        (224, 224, 3),
        1000,
        filters=((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
        head=(4096, 4096),
    )
    assert spec.n_parameters == 138_357_544  # as Keras and torchvision have it


def test_a_network_whose_channels_are_halved_is_one_call():
    spec = network(
        (48, 48, 1),
        filters=((64, 64), (32, 32), (16, 16)),
        batch_norm=True,
        dropout=(0.2, 0.2, 0.2, 0.5),
        spatial_dropout=True,
        head=256,
    )
    kinds = [type(layer) for layer in spec.layers]
    assert kinds.count(BatchNorm) == 6
    drops = [layer for layer in spec.layers if isinstance(layer, Dropout)]
    assert [drop.spatial for drop in drops] == [True, True, True, False]


def test_a_residual_network_is_fitted_described_and_built_again():
    X, y = images(6, 6)
    classifier = small(
        filters=((3,), (3, 4)), residual=True, batch_norm=True, pool_size=1
    ).fit(X, y)
    assert "no-validation" not in str(diagnose(classifier))
    layers = classifier.record_.configuration["layers"]
    assert [layer["units"] for layer in layers if layer["kind"] == "conv"] == [3, 3, 4]
    logits = np.asarray(classifier.model_(X[..., None]))[:, 0]
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(classifier.predict_proba(X)[:, 1], expected, atol=1e-6)


# ------------------------------------------------------------------------------- shapes


def test_all_forms_of_the_same_images_give_the_same_network():
    X, y = images(4, 6, 2)
    first = X.transpose(0, 3, 1, 2)
    fits = [
        small().fit(X, y),
        small(image_shape=(4, 6, 2)).fit(X.reshape(N_ROWS, -1), y),
        small(channels_first=True).fit(first, y),
        small(channels_first=True, image_shape=(4, 6, 2)).fit(
            first.reshape(N_ROWS, -1), y
        ),
    ]
    forms = [X, X.reshape(N_ROWS, -1), first, first.reshape(N_ROWS, -1)]
    expected = fits[0].predict_proba(X)
    for classifier, rows in zip(fits, forms, strict=True):
        np.testing.assert_array_equal(classifier.predict_proba(rows), expected)


def test_gray_images_need_no_axis_of_channels():
    X, y = images(5, 5)
    expected = small().fit(X, y).predict_proba(X)
    other = small().fit(X[..., None], y).predict_proba(X[..., None])
    np.testing.assert_array_equal(other, expected)
    folded = X.reshape(N_ROWS, -1)  # of 25 columns, as of a square
    np.testing.assert_array_equal(
        small().fit(folded, y).predict_proba(folded), expected
    )


def test_wrong_shapes_are_told_in_one_sentence():
    X, y = images(24)
    with pytest.raises(ValueError, match=r"24 columns, but image_shape=.* 20 values"):
        small(image_shape=(4, 5)).fit(X, y)
    with pytest.raises(ValueError, match=r"must be \(height, width\) or"):
        small(image_shape=(24,)).fit(X, y)
    with pytest.raises(
        ValueError, match=r"images of .* = \(4, 6, 1\), but image_shape"
    ):
        small(image_shape=(6, 4)).fit(X.reshape(-1, 4, 6), y)
    with pytest.warns(ImageShapeWarning, match=r"Set image_shape=\(height, width\)"):
        small(pool_size=1).fit(X, y)
    with pytest.raises(ValueError, match="takes images of shape"):
        small().fit(X.reshape(-1, 2, 2, 3, 2), y)
    fitted = small().fit(X.reshape(-1, 4, 6), y)
    with pytest.raises(ValueError, match=r"= \(4, 3, 2\), but .* was fitted on"):
        fitted.predict(X.reshape(-1, 4, 3, 2))


def test_images_that_differ_in_size_are_told_with_their_shapes():
    X = [np.zeros((4, 4)), np.zeros((4, 5))] * 10
    for several in (X, np.array([*X, None], object)[:-1]):
        with pytest.raises(
            ValueError, match=r"2 shapes, such as \(4, 4\) and \(4, 5\)"
        ):
            small().fit(several, [0, 1] * 10)


def test_channels_that_seem_to_come_first_must_be_said_to():
    X, y = images(3, 8, 8)
    with pytest.raises(ValueError, match=r"channels_first=True of .* 3 pixels high"):
        small().fit(X, y)
    assert small(channels_first=True).fit(X, y).network_.input_shape == (8, 8, 3)
    assert small(channels_first=False).fit(X, y).network_.input_shape == (3, 8, 8)


def test_networks_that_cannot_be_built_are_refused():
    X, y = images(8, 8)
    with pytest.raises(ValueError, match=r"units of two convolutions, but .* has 3"):
        small(filters=((2, 2, 2),), residual=True).fit(X, y)
    with pytest.raises(ValueError, match="larger than the 2 pixels"):
        small(filters=(2, 2), strides=(4, 1), pool_size=(1, 3)).fit(X, y)


# ------------------------------------------------------------------------- augmentation


def changed(X, shape, draws, **options):
    X = X.reshape(len(X), -1).copy()
    ImageAugmentation(shape, **options).apply(X, np.float32(draws))
    return X.reshape(len(X), *shape)


@pytest.mark.parametrize("angle", [-30, 0, 45, 90])
def test_rotations_are_those_of_scipy(angle):
    X, _ = images(7, 7, 2)
    draws = np.full((N_ROWS, 6), (angle / 90 + 1) / 2)
    found = changed(X, (7, 7, 2), draws, rotation=90)
    expected = rotate(X, angle, axes=(1, 2), order=1, mode="nearest", reshape=False)
    middle = (slice(None), slice(2, 5), slice(2, 5))  # where no edge is read
    np.testing.assert_allclose(found[middle], expected[middle], atol=1e-4)


def test_flips_and_shifts_are_those_of_numpy():
    X, _ = images(4, 5, 2)
    draws = np.full((N_ROWS, 6), 0.9)
    draws[:, :2] = 0.1
    both = changed(X, (4, 5, 2), draws, flip="both")
    np.testing.assert_array_equal(both, X[:, ::-1, ::-1])
    one = changed(X, (4, 5, 2), draws, flip="horizontal")
    np.testing.assert_array_equal(one, X[:, :, ::-1])
    draws[:, 2:4] = 1.0
    moved = changed(X, (4, 5, 2), draws, shift=0.25)  # by one pixel along each axis
    np.testing.assert_array_equal(moved[:, 1:, 1:], X[:, :-1, :-1])
    np.testing.assert_array_equal(moved[:, 0, 1:], X[:, 0, :-1])


def test_contrast_is_that_of_keras():
    X, _ = images(4, 5, 2)
    draws = np.full((N_ROWS, 6), 0.75)
    found = changed(X, (4, 5, 2), draws, contrast=0.4)
    mean = X.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, (X - mean) * 1.2 + mean, rtol=1e-5, atol=1e-6)


def test_what_is_measured_is_never_changed():
    X, y = images(6, 6)
    before = X.copy()
    classifier = small(augment=ALL_CHANGES, early_stopping=False).fit(X, y)
    np.testing.assert_array_equal(X, before)
    train, held = classifier.split_validation(X, y)
    for rows, name in ((train, "loss"), (held, "val_loss")):
        expected = log_loss(y[rows], classifier.predict_proba(X[rows]))
        assert classifier.history_[name][-1] == pytest.approx(expected, abs=1e-5)


def test_changes_are_seeded_and_do_not_depend_on_chunks(monkeypatch):
    X, y = images(6, 6)
    fits = [small(augment=ALL_CHANGES).fit(X, y) for _ in range(2)]
    monkeypatch.setattr(trainer, "chunk_steps", lambda *_: 1)
    fits.append(small(augment=ALL_CHANGES).fit(X, y))
    for other in fits[1:]:
        np.testing.assert_array_equal(other.weights_[0], fits[0].weights_[0])
    assert np.any(small().fit(X, y).weights_[0] != fits[0].weights_[0])


def test_partial_fits_change_images_anew(monkeypatch):
    X, y = images(6, 6)
    changed = []
    apply = ImageAugmentation.apply

    def noted(augment, rows, draws):
        changed.append(draws.copy())
        apply(augment, rows, draws)

    monkeypatch.setattr(ImageAugmentation, "apply", noted)
    model = small(augment=ALL_CHANGES)
    model.partial_fit(X, y, classes=[0, 1])
    first = len(changed)
    model.partial_fit(X, y)
    assert np.any(changed[0] != changed[first])


def test_strengths_of_changes_may_be_numbers_of_numpy():
    X, y = images(6, 6)
    small(augment={"shift": np.float32(0.2)}).fit(X, y)


@pytest.mark.parametrize(
    ("augment", "text"),
    [
        ({"rotate": 3}, "Did you mean 'rotation'"),
        ({"flip": "left"}, "'horizontal', 'vertical', 'both'"),
        ({"shift": True}, r"from 0 to 1. Got True"),
        ({"shift": 3}, r"augment\['shift'\] .* from 0 to 1. Got 3"),
    ],
)
def test_changes_that_there_are_not_are_refused(augment, text):
    X, y = images(4, 4)
    with pytest.raises(ValueError, match=text):
        small(augment=augment).fit(X, y)


# --------------------------------------------------------------------------- two ranges


def test_images_of_two_ranges_are_a_finding():
    X, digits = load_digits(return_X_y=True)
    X, y = X[:100].reshape(-1, 8, 8) * 15, digits[:100] > 4
    mixed = np.concatenate([X[:90], X[90:] / 255])
    finding = diagnose(small().fit(mixed, y), mixed, y).find("images-of-two-ranges")
    assert next(iter(finding.evidence.values()))[0] == pytest.approx(0.1)
    for one in (X, X / 255):
        assert not diagnose(small().fit(one, y), one, y).find("images-of-two-ranges")


# -------------------------------------------------------------------------- with others


def test_smote_stands_in_front_of_folded_images_in_a_grid():
    X, digits = load_digits(return_X_y=True)
    X, y = X[:300] / 16, digits[:300] == 8
    cnn = small(batch_size=64, image_shape=(8, 8))
    pipeline = make_pipeline(SMOTE(k_neighbors=2, random_state=0), cnn)
    grid = {"cnn2dclassifier__augment": [None, {"shift": 0.1}]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="average_precision").fit(X, y)
    best = search.best_estimator_[-1].record_
    assert best.data["samplers"] == ["SMOTE"]
    assert best.data["class_counts"]["validation"] == [27, 3]
