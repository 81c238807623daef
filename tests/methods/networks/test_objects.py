import numpy as np

from veriscope.methods.networks.objects import keep_objects, mean_inside


def test_small_objects_go_and_the_others_are_renumbered() -> None:
    labels = np.array([[1, 1, 0, 2], [3, 3, 3, 0]], np.int32)
    assert keep_objects(labels, smallest_area=2).tolist() == [[1, 1, 0, 0], [2, 2, 2, 0]]
    assert keep_objects(labels, smallest_area=1).tolist() == labels.tolist()
    assert not keep_objects(labels, smallest_area=4).any()


def test_means_are_those_of_each_object_in_order() -> None:
    labels = np.array([[1, 1, 0, 2], [2, 2, 2, 0]], np.int32)
    values = np.array([[0.2, 0.4, 9, 1], [0, 0, 1, 9]], np.float32)
    np.testing.assert_allclose(mean_inside(values, labels), [0.3, 0.5], rtol=1e-6)


def test_no_objects_give_an_empty_table() -> None:
    empty = np.zeros((3, 4), np.int32)
    assert mean_inside(np.ones((3, 4)), empty).shape == (0,)
    assert not keep_objects(empty, smallest_area=5).any()
