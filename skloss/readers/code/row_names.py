"""Names of functions, methods and classes that make or change rows."""

__all__ = [
    "COUNTS",
    "FLATTENING",
    "KEEPING_SHAPE",
    "READERS",
    "SAME",
    "SAMPLERS",
    "SCALERS",
    "SPLITTERS",
    "STATISTICS",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SCALERS = _words(
    "StandardScaler MinMaxScaler RobustScaler MaxAbsScaler Normalizer PowerTransformer "
    "QuantileTransformer normalize scale minmax_scale robust_scale zscore standardize "
    "preprocess_input TfidfVectorizer TfidfTransformer ColumnTransformer"
)
SAMPLERS = _words(
    "SMOTE SMOTENC SMOTEN ADASYN BorderlineSMOTE SVMSMOTE KMeansSMOTE SMOTETomek "
    "SMOTEENN RandomOverSampler RandomUnderSampler NearMiss TomekLinks "
    "EditedNearestNeighbours ClusterCentroids OneSidedSelection "
    "NeighbourhoodCleaningRule InstanceHardnessThreshold CondensedNearestNeighbour "
    "RepeatedEditedNearestNeighbours AllKNN"
)
SPLITTERS = _words(
    "KFold StratifiedKFold GroupKFold StratifiedGroupKFold RepeatedKFold "
    "RepeatedStratifiedKFold ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit "
    "LeaveOneOut LeaveOneGroupOut LeavePGroupsOut TimeSeriesSplit"
)
READERS = _words(
    "read_csv read_excel read_table read_json read_pickle read_parquet read_sql "
    "read_hdf read_feather load loadtxt genfromtxt loadmat imread fetch_openml "
    "DataFrame"
)
STATISTICS = _words("mean std max min var median amax amin ptp quantile")
COUNTS = _words(
    "groupby value_counts nunique unique describe info count isnull isna bincount"
)
# Steps that leave the values, or their scale, as they were.
KEEPING_SHAPE = _words(
    "astype copy array asarray nan_to_num dropna to_numpy asfarray ascontiguousarray "
    "reset_index fillna"
)
FLATTENING = _words("ravel flatten squeeze hstack stack drop pop")
_SHAPELESS = _words(
    "batch prefetch cache repeat values as_matrix toarray tolist to_list numpy "
    "drop_duplicates replace round clip apply map transpose series set_index float "
    "rename head tail get interpolate infer_objects Series DataFrame constant todense "
    "convert_to_tensor csr_matrix convert_objects float32 int32 iloc loc T"
)
SAME = KEEPING_SHAPE | FLATTENING | _SHAPELESS
