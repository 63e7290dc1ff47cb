"""Estimators with the scikit-learn interface (`fit`, `predict` or `transform`), one per module.

Loading them does not import scikit-learn. Models are stored as JSON, NumPy arrays or LightGBM text, without pickle.
"""
