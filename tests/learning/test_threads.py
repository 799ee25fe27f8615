"""A run that is pulled in one thread may be saved, measured and rewound in another: always between two steps."""

import dataclasses
import threading

from simviz.learning.run import Run
from tests.learning.small import equal_weights, run, task


def in_a_thread(job):
    """Start a thread; its errors, once it is joined."""
    errors = []

    def work():
        try:
            job()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, errors


def test_each_of_twenty_runs_saved_while_another_thread_pulls_goes_on_to_the_same_weights(tmp_path):
    data = task(validation=True)
    truth = run(data=data, max_steps=200)
    list(truth)
    pulled = run(data=data, max_steps=200)
    turn = threading.Barrier(2)

    def pull():
        for step in pulled:
            if step.step % 9 == 1 and step.step < 180:
                turn.wait(60)  # the other saves now, while this one pulls on

    thread, errors = in_a_thread(pull)
    places = []
    for number in range(20):
        turn.wait(60)
        places.append(pulled.save(tmp_path / f"run-{number}"))
        pulled.measure(), pulled.state(), pulled.best
    thread.join(120)
    assert not thread.is_alive()
    assert errors == []
    assert equal_weights(pulled.model, truth.model)
    steps = []
    for place in places:
        resumed = Run.load(place, data)
        steps.append(resumed.step)
        list(resumed)
        assert equal_weights(resumed.model, truth.model)
        assert resumed.best == truth.best
    assert steps == sorted(steps)
    assert steps[0] < 60 < 140 < steps[-1]


def test_a_run_rewound_by_another_thread_while_it_is_pulled_ends_with_the_same_weights():
    truth = run(max_steps=200)
    list(truth)
    pulled = run(max_steps=200)
    began, rewound = threading.Event(), threading.Event()

    def pull():
        for step in pulled:
            if step.step == 50:
                began.set()
            if step.step == 150:
                rewound.wait(60)

    thread, errors = in_a_thread(pull)
    assert began.wait(60)
    for back in (40, 0, 20):
        pulled.rewind(back)
    rewound.set()
    thread.join(120)
    assert errors == []
    assert equal_weights(pulled.model, truth.model)
    for one, other in zip(pulled.history, truth.history, strict=True):
        assert dataclasses.replace(one, seconds=0.0) == dataclasses.replace(other, seconds=0.0)
