"""take, put and the like on nested records, objects included."""

from typing import NamedTuple

import numpy as np
import pytest

from selfplay import arrays


class Inner(NamedTuple):
    bits: np.ndarray  # [B] u16


class Outer(NamedTuple):
    inner: Inner
    board: np.ndarray  # [B, 3] i8
    thing: np.ndarray  # [B] objects


class Pair(NamedTuple):
    left: np.ndarray
    right: np.ndarray


def record():
    things = np.empty(3, np.object_)
    things[:] = ["a", "b", "c"]
    board = np.arange(9, dtype=np.int8).reshape(3, 3)
    return Outer(Inner(np.array([10, 20, 30], np.uint16)), board, things)


def test_take_picks_rows_by_integers_and_by_mask():
    for index in ([2, 0], np.array([True, False, True])):
        taken = arrays.take(record(), index)
        assert isinstance(taken, Outer)
        assert isinstance(taken.inner, Inner)
        assert sorted(taken.inner.bits.tolist()) == [10, 30]
        assert sorted(taken.thing.tolist()) == ["a", "c"]
    assert arrays.take(record(), [2, 0]).board.tolist() == [[6, 7, 8], [0, 1, 2]]
    assert arrays.take(record(), np.array([2, 0])).board.tolist() == [[6, 7, 8], [0, 1, 2]]
    with pytest.raises(IndexError, match="a mask of 2 for 3 rows"):
        arrays.take(record(), np.array([True, False]))


def test_take_at_picks_from_a_table():
    table = arrays.tree_map(lambda a, b: np.stack([a, b], axis=1), record(), record())
    table.board[:, 1] *= 10
    taken = arrays.take_at(table, np.array([2, 0, 2]), np.array([1, 0, 0], np.int32))
    assert taken.board.tolist() == [[60, 70, 80], [0, 1, 2], [6, 7, 8]]
    assert taken.thing.tolist() == ["c", "a", "c"]
    taken.board[:] = -1
    assert table.board.min() == 0


def test_rows_of_arrays_in_any_memory_order():
    array = np.asfortranarray(np.arange(12).reshape(4, 3))
    assert arrays.take((array,), np.array([3, 1]))[0].tolist() == [[9, 10, 11], [3, 4, 5]]
    assert arrays.take((array,), array[:, 0] > 5)[0].tolist() == [[6, 7, 8], [9, 10, 11]]


def test_a_table_as_rows_is_the_same_memory():
    table = (np.zeros((2, 3, 4)), np.zeros((2, 3, 0)), np.zeros((2, 3)))
    rows = arrays.as_rows(table)
    assert [array.shape for array in rows] == [(6, 4), (6, 0), (6,)]
    rows[0][5] = 7.0
    assert table[0][1, 2].tolist() == [7.0] * 4
    with pytest.raises(ValueError, match="must be contiguous"):
        arrays.as_rows((np.zeros((3, 2, 4)).swapaxes(0, 1),))


def test_put_writes_rows_in_place():
    target = record()
    arrays.put(target, [0, 1], arrays.take(record(), [2, 2]))
    assert target.inner.bits.tolist() == [30, 30, 30]
    assert target.board.tolist() == [[6, 7, 8]] * 3
    assert target.thing.tolist() == ["c", "c", "c"]


def test_concatenate_and_repeat_keep_the_order():
    joined = arrays.concatenate([record(), arrays.take(record(), [1])])
    assert joined.thing.tolist() == ["a", "b", "c", "b"]
    assert arrays.repeat(record(), 2).inner.bits.tolist() == [10, 10, 20, 20, 30, 30]


def test_length_leaves_memory_and_objects():
    assert arrays.length(record()) == 3
    assert arrays.bytes_of((np.zeros((3, 2), np.int32), np.zeros(5, np.uint8))) == 29
    assert [leaf.dtype.name for leaf in arrays.leaves(record())] == ["uint16", "int8", "object"]
    assert arrays.holds_objects(record())
    assert not arrays.holds_objects(record().inner)


def test_zeros_like_and_empty_like_have_the_shapes_and_types():
    for make in (arrays.zeros_like, arrays.empty_like):
        made = make(record(), 5)
        assert [leaf.shape for leaf in arrays.leaves(made)] == [(5,), (5, 3), (5,)]
        assert [leaf.dtype.name for leaf in arrays.leaves(made)] == ["uint16", "int8", "object"]
    assert not arrays.zeros_like(record(), 5).board.any()


def test_tree_map_refuses_records_of_different_structure():
    with pytest.raises(ValueError, match="zip"):
        arrays.tree_map(np.add, record(), Inner(np.zeros(3)))


def test_rows_hash_equal_exactly_where_their_bytes_are_equal():
    left = np.array([1, 1, 2, 1], np.uint64)
    right = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]], np.int8)
    hashes = arrays.hash_rows(Pair(left, right))
    keys = [tuple(row) for row in hashes.tolist()]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert all(len(set(hashes[:, lane].tolist())) == 3 for lane in (0, 1))


def test_rows_do_not_collide_in_a_hundred_thousand():
    rows = np.arange(100_000, dtype=np.uint64)
    hashes = arrays.hash_rows(Inner(rows))
    assert len(np.unique(hashes[:, 0])) == len(rows)
    assert len(np.unique(hashes[:, 1])) == len(rows)


def test_swapped_fields_hash_differently_and_neighbours_do_not_matter():
    one, two = np.array([1], np.uint64), np.array([2], np.uint64)
    first, second = arrays.hash_rows(Pair(one, two)), arrays.hash_rows(Pair(two, one))
    assert first.tolist() != second.tolist()
    rows = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert (
        arrays.hash_rows(Inner(rows))[1].tolist() == arrays.hash_rows(Inner(rows[1:]))[0].tolist()
    )


def test_a_byte_hashes_as_the_word_that_it_fills():
    flags = np.array([True, False, True])
    words = flags.astype("<u8")
    assert arrays.hash_rows(Inner(flags)).tolist() == arrays.hash_rows(Inner(words)).tolist()


def test_records_stand_in_as_few_lines_of_the_memory_as_they_can():
    for kind in (np.dtype((np.void, 64)), np.dtype((np.void, 16))):
        table = arrays.in_lines((3, 5), kind)
        assert table.shape == (3, 5)
        assert table.flags.c_contiguous
        assert table.ctypes.data % 64 == 0
