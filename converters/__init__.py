"""Training, evaluation and export of edgemood's mood models. TensorFlow lives here and nowhere else."""
