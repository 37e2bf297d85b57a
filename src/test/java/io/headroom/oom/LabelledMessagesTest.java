package io.headroom.oom;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Real messages: every figure, the backend, and near misses that must not be called out of memory. */
class LabelledMessagesTest {
    @ParameterizedTest(name = "{0}")
    @MethodSource("io.headroom.oom.Labelled#sample")
    void theSampleIsReadExactly(Labelled labelled) {
        Log log = Log.read(labelled.message());

        assertThat(backend(log)).isEqualTo(labelled.backend());
        assertThat(fields(log)).isEqualTo(labelled.fields());
    }

    @Test
    void fieldsAreExactOnNinetyNineInAHundred() {
        assertThat(share(labelled -> fields(Log.read(labelled.message())).equals(labelled.fields())))
                .isGreaterThanOrEqualTo(0.99);
    }

    @Test
    void theBackendIsRightOnNinetyNineInAHundred() {
        assertThat(share(labelled -> backend(Log.read(labelled.message())).equals(labelled.backend())))
                .isGreaterThanOrEqualTo(0.99);
    }

    @Test
    void noNearMissIsCalledOutOfMemory() {
        assertThat(Labelled.all())
                .filteredOn(labelled -> labelled.backend().equals("none"))
                .isNotEmpty()
                .allSatisfy(labelled -> {
                    Log log = Log.read(labelled.message());
                    assertThat(log.failures()).isEmpty();
                    assertThat(log.nearMisses()).hasSize(1);
                });
    }

    private static String backend(Log log) {
        return log.first().map(oom -> oom.backend().label()).orElse("none");
    }

    private static Map<String, Long> fields(Log log) {
        return new TreeMap<>(log.first().map(OutOfMemory::fields).orElse(Map.of()));
    }

    private static double share(java.util.function.Predicate<Labelled> right) {
        List<Labelled> all = Labelled.all();
        return all.stream().filter(right).count() / (double) all.size();
    }
}
