"""Load mutated files of models: nothing but errors of our own may come of it.

Bits are flipped, files cut, headers exchanged. With the check sum made right again, so
that what is behind it is reached, settings, arrays and the archives of skops are
changed, zip bombs among them. Counted is how often a file was refused, and how often it
was loaded: a changed weight is no damage that can be seen. Anything else ends the
script: another error, a forbidden call, more memory, or more than ten seconds of the
processor for a file.
"""

import argparse
import copy
import io
import json
import resource
import signal
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

FORBIDDEN = {
    "os.exec",
    "os.posix_spawn",
    "os.remove",
    "os.system",
    "pickle.find_class",
    "shutil.rmtree",
    "socket.connect",
    "subprocess.Popen",
}
CANARY = "module_that_only_a_file_names"
SECONDS = 10
MOST_MEMORY = 2**30


def base_files():
    """Return containers as (settings, arrays) of one small model of each kind."""
    import pandas as pd
    from imblearn.over_sampling import SMOTE
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    import skloss
    from skloss.io.container import read_container

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 12))
    y = np.where(X[:, 0] > 0.3, "rare", "common")
    frame = pd.DataFrame(X[:, :2], columns=["size", "age"]).assign(city=y)
    dense = skloss.DenseClassifier(width=3, depth=1, epochs=1, random_state=0)
    columns = make_column_transformer(
        (StandardScaler(), ["size", "age"]), (OneHotEncoder(), ["city"])
    )
    small = {"width": 4, "epochs": 1, "random_state": 0}
    series = skloss.CNN1DClassifier(filters=((2, 2),), n_members=2, **small)
    images = skloss.CNN2DClassifier(filters=((2,),), image_shape=(4, 3), **small)
    models = [
        dense.fit(X, y),
        skloss.RocketClassifier(84, random_state=0).fit(X, y),
        series.fit(X, y),
        images.fit(X, y),
        skloss.RecurrentClassifier(2, epochs=1, random_state=0).fit(X, y),
        skloss.make_pipeline(columns, SMOTE(random_state=0), copy.deepcopy(dense)).fit(
            frame, y
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for model in models:
            skloss.save(model, Path(folder, "model"))
            found.append(read_container(Path(folder, "model")))
    return found


def packed(settings, arrays, path):
    """Write a container with a right check sum, whatever it holds."""
    from skloss.io.container import write_container

    write_container(path, settings, arrays)
    return path.read_bytes()


# ------------------------------------------------------------------------- mutations


def flipped(rng, data):
    data = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(data)


def cut(rng, data):
    place = rng.integers(len(data))
    return data[:place] if rng.random() < 0.7 else data + data[:place]


def exchanged(rng, data, other):
    """Header of one file, arrays of another."""
    n, m = (8 + int.from_bytes(part[:8], "little") for part in (data, other))
    return data[:n] + other[m:]


VALUES = [
    None,
    True,
    -1,
    0,
    10**6,
    2**62,
    10**30,
    1e308,
    "",
    "x" * 50,
    "os.system",
    f"{CANARY}.run",
    [],
    [[[[]]]],
    {},
    {"tuple": 3},
    {"array": "DenseClassifier.classes_"},
    {"estimator": "os.system", "parameters": {}, "fitted": {}},
    {"skops": "Pipeline.columntransformer"},
    {"data": "NetworkSpec", "fields": {}},
    {"pipeline": "sklearn", "parameters": {}, "steps": []},
    {"texts": ["a"], "width": 10**9, "shape": [1]},
    {"objects": [1], "shape": [10**9]},
    {"dtype": "O"},
    {"random_state": {"tuple": ["MT19937", [1], 0, 0, 0.0]}},
    {"float": "nan"},
]


def places(node, found):
    """All (container, key) pairs of nested lists and dicts."""
    keys = node if isinstance(node, dict) else range(len(node))
    for key in keys:
        found.append((node, key))
        if isinstance(node[key], dict | list):
            places(node[key], found)
    return found


def changed_json(rng, content, values):
    content = copy.deepcopy(content)
    for _ in range(rng.integers(1, 4)):
        every = places(content, [])
        holder, key = every[rng.integers(len(every))]
        what = rng.integers(4)
        if what == 0:
            holder[key] = copy.deepcopy(values[rng.integers(len(values))])
        elif what == 1:
            other, place = every[rng.integers(len(every))]
            holder[key] = copy.deepcopy(other[place])
        elif what == 2:
            del holder[key]
        elif isinstance(holder, dict):
            holder[str(values[rng.integers(len(values))])] = holder.pop(key)
        if not content:
            return content
    return content


def changed_arrays(rng, arrays):
    arrays = dict(arrays)
    name = list(arrays)[rng.integers(len(arrays))]
    array = arrays[name]
    what = rng.integers(5)
    if what == 0:
        del arrays[name]
    elif what == 1:
        arrays[name] = array.ravel()[: rng.integers(array.size + 1)]
    elif what == 2:
        arrays[name] = array.astype(["f4", "f8", "i8", "u1", "?"][rng.integers(5)])
    elif what == 3:
        arrays[name] = array.reshape(-1, 1)
    else:
        other = list(arrays)[rng.integers(len(arrays))]
        arrays[name], arrays[other] = arrays[other], array
    return arrays


SCHEMA_VALUES = [
    *VALUES[:14],
    "builtins",
    "eval",
    "os",
    "system",
    CANARY,
    "FunctionNode",
    "MethodNode",
    "ReduceNode",
    "TypeNode",
    "ObjectNode",
    "NdArrayNode",
    "SparseMatrixNode",
    "TreeNode",
    {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"},
]


def changed_archive(rng, data):
    """Change the schema or an array of an archive of skops, or make it a bomb."""
    source = zipfile.ZipFile(io.BytesIO(data))
    parts = {name: source.read(name) for name in source.namelist()}
    kind = zipfile.ZIP_STORED
    what = rng.integers(4)
    if what == 0:
        schema = changed_json(rng, json.loads(parts["schema.json"]), SCHEMA_VALUES)
        parts["schema.json"] = json.dumps(schema).encode()
    elif what == 1:
        for name, part in parts.items():
            if name.endswith(".npy"):
                parts[name] = part.replace(b"(", b"(99999999999, ", 1)
    elif what == 2:
        kind = zipfile.ZIP_DEFLATED
        name = list(parts)[rng.integers(len(parts))]
        parts[name] += bytes(int(rng.integers(1, 2**22)))
    else:
        return flipped(rng, data)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", kind) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return made.getvalue()


def mutated(rng, bases, files, path):
    """Return the kind and the bytes of one mutation."""
    number, other = rng.integers(len(bases), size=2)
    settings, arrays = bases[number]
    what = rng.integers(6)
    if what == 0:
        return "bits flipped", flipped(rng, files[number])
    if what == 1:
        return "cut or longer", cut(rng, files[number])
    if what == 2:
        return "headers exchanged", exchanged(rng, files[number], files[other])
    if what == 3:
        settings = changed_json(rng, settings, VALUES)
        return "settings changed", packed(settings, arrays, path)
    if what == 4:
        arrays = changed_arrays(rng, arrays)
        return "arrays changed", packed(settings, arrays, path)
    settings, arrays = bases[-1]  # the pipeline
    steps = [n for n, a in arrays.items() if a.dtype == np.uint8]
    name = steps[rng.integers(len(steps))]
    data = changed_archive(rng, arrays[name].tobytes())
    arrays = {**arrays, name: np.frombuffer(data, np.uint8)}
    return "steps changed", packed(settings, arrays, path)


# --------------------------------------------------------------------------- the run


class ForbiddenError(BaseException):
    """A file has made the process do something."""


def forbid(event, arguments):
    if watched and (
        event in FORBIDDEN or (event == "import" and arguments[0] == CANARY)
    ):
        raise ForbiddenError(event, arguments)


def too_slow(*_):
    raise ForbiddenError("seconds")


watched = False


def fuzz(n_files, seed=0):
    """Load so many mutated files; return counts by kind of mutation and outcome."""
    global watched
    import skloss
    from skloss.exceptions import ModelFileError

    rng, counts = np.random.default_rng(seed), Counter()
    bases = base_files()
    sys.addaudithook(forbid)
    before = signal.signal(signal.SIGPROF, too_slow)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "model")
        files = [packed(*base, path) for base in bases]
        for _ in range(n_files):
            kind, data = mutated(rng, bases, files, path)
            path.write_bytes(data)
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            watched = True
            try:
                skloss.load(path)
                counts[kind, "loaded"] += 1
            except ModelFileError:
                counts[kind, "refused"] += 1
            finally:
                watched = False
                signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    return counts


def limit_memory():
    """Let the process have so much more than it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="500 files")
    options = parser.parse_args()
    base_files()  # imports what it needs
    limit_memory()
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = fuzz(500 if options.quick else options.files, options.seed)
    end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'mutation':20} {'refused':>8} {'loaded':>8}")
    for kind in sorted({kind for kind, _ in counts}):
        refused, loaded = counts[kind, "refused"], counts[kind, "loaded"]
        print(f"{kind:20} {refused:8,} {loaded:8,}")
    print(f"largest memory: {(end - start) / 1024:,.0f} MB more than before")


if __name__ == "__main__":
    main()
