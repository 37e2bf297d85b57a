package io.headroom.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HoldersTest {
    private final NDManager manager = NDManager.newBaseManager("PyTorch");

    private record Sample(String id, NDArray pixels) {}

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void variablesAreNamedWhereverTheArrayHides() {
        NDArray array = manager.ones(new Shape(256));
        List<Holder> found = Holders.find(List.of(
                new Variable("a", "NDArray", array),
                new Variable("list", "NDList", new NDList(array)),
                new Variable("map", "Map", Map.of("x", Optional.of(array))),
                new Variable("$3", "Sample[]", new Sample[] {new Sample("1", array)}),
                new Variable("m", "NDManager", manager),
                new Variable("n", "int", 3),
                new Variable("nothing", "Object", null)));
        assertThat(found).extracting(Holder::name).containsExactlyInAnyOrder("a", "list", "map", "$3", "m");
        assertThat(found).allMatch(holder -> holder.bytes() == 1024 && holder.arrays() == 1);
        assertThat(found.get(0).toString()).contains("holds 1 array, 1024 bytes");
    }

    @Test
    void aClosedArrayIsHeldByNobody() {
        NDArray array = manager.ones(new Shape(256));
        array.close();
        assertThat(Holders.find(List.of(new Variable("a", "NDArray", array)))).isEmpty();
    }

    @Test
    void cyclesAndSharedArraysCountOnce() {
        NDArray array = manager.ones(new Shape(256));
        List<Object> cycle = new ArrayList<>();
        cycle.add(cycle);
        cycle.add(array);
        cycle.add(array);
        assertThat(Holders.find(List.of(new Variable("cycle", "List", cycle))))
                .singleElement()
                .matches(holder -> holder.arrays() == 1);
    }

    @Test
    void batchesThatAreMadeWhenAskedForAreLeftAlone() {
        NDArray array = manager.ones(new Shape(256));
        AtomicInteger asked = new AtomicInteger();
        final class Batches implements Iterable<NDArray>, Iterator<NDArray> {
            final NDArray kept = array;

            @Override
            public Iterator<NDArray> iterator() {
                return this;
            }

            @Override
            public boolean hasNext() {
                return asked.incrementAndGet() < 100;
            }

            @Override
            public NDArray next() {
                return kept;
            }
        }
        assertThat(Holders.find(List.of(new Variable("batches", "DataIterable", new Batches()))))
                .singleElement()
                .matches(holder -> holder.arrays() == 1);
        assertThat(asked).hasValue(0);
    }

    @Test
    void whatIsTooMuchToLookThroughIsToldAsAtLeast() {
        NDArray array = manager.ones(new Shape(256));
        List<Object> many = new ArrayList<>();
        for (int i = 0; i < 250_000; i++) {
            many.add(Optional.of(new Object()));
        }
        many.set(150_000, array);
        many.set(0, manager.ones(new Shape(512)));
        Holder holder = Holders.find(List.of(new Variable("many", "List<Object>", many)))
                .get(0);
        assertThat(holder.atLeast()).isTrue();
        assertThat(holder.toString()).isEqualTo("variable many (List<Object>) holds at least 1 array, 1024 bytes");
    }

    @Test
    void whatWasLookedThroughIsToldExactly() {
        List<Object> twice = new ArrayList<>();
        for (int i = 0; i < 150_000; i++) {
            Object each = Optional.of(manager);
            twice.add(each);
            twice.add(each);
        }
        twice.set(0, manager.ones(new Shape(256)));
        assertThat(Holders.find(List.of(new Variable("twice", "List", twice))))
                .singleElement()
                .matches(holder -> !holder.atLeast() && holder.arrays() == 1);
    }

    @Test
    void aCollectionThatThrowsHoldsNothingWeCanName() {
        List<Object> broken = new AbstractList<>() {
            @Override
            public Object get(int index) {
                throw new IllegalStateException("no");
            }

            @Override
            public int size() {
                return 1;
            }
        };
        assertThat(Holders.find(List.of(new Variable("broken", "List", broken))))
                .isEmpty();
    }
}
