"""What does a reader of the course do? Predict, solve and be checked, plan and measure, see what is kept."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["exercises", "journal", "prediction", "questions"],
    submod_attrs={
        "ablation": ["Ablation", "AblationResult"],
        "agreement": ["agree"],
        "collecting": ["Collected", "collect"],
        "exercises": ["EXERCISES", "Exercise", "exercise"],
        "overview": ["forget", "progress"],
        "prediction": ["Prediction", "predict"],
        "questions": ["QUESTIONS", "Question"],
    },
)
