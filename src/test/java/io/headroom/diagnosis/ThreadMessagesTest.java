package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.Labelled;
import io.headroom.oom.Log;
import io.headroom.oom.OutOfMemory;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** The development set as it is read today: what one rule mends must not break another's rows. */
class ThreadMessagesTest {
    private static final List<Labelled> ALL = Labelled.threads();
    private static final Predicate<Labelled> NEAR = each -> each.backend().equals("none");

    @Test
    void everyRowTellsItsSource() {
        assertThat(ALL).hasSize(457);
        assertThat(ALL.stream().map(Labelled::id)).doesNotHaveDuplicates();
    }

    @Test
    void figuresStayExact() {
        assertThat(wrong(each -> fields(each).equals(each.fields()))).isSubsetOf("h289", "h308", "h321");
    }

    @Test
    void backendsStayRight() {
        assertThat(wrong(each -> backend(each).equals(each.backend()))).isSubsetOf("h192", "h307", "h308", "f026");
    }

    @Test
    void noNearMissIsCalledOutOfMemory() {
        assertThat(ALL).filteredOn(NEAR).hasSizeGreaterThanOrEqualTo(94).allSatisfy(each -> assertThat(backend(each))
                .isEqualTo("none"));
    }

    @Test
    void noCauseIsSureAndWrong() {
        assertThat(ALL)
                .filteredOn(NEAR.negate())
                .filteredOn(each -> diagnosis(each)
                        .filter(found -> !found.cause().label().equals(each.cause()))
                        .filter(found -> found.confidence() > 0.8)
                        .isPresent())
                .isEmpty();
    }

    private static List<String> wrong(Predicate<Labelled> right) {
        return ALL.stream().filter(right.negate()).map(Labelled::id).toList();
    }

    private static Optional<Diagnosis> diagnosis(Labelled each) {
        return Diagnosis.of(Log.read(each.message()), Situation.unknown());
    }

    private static String backend(Labelled each) {
        return first(each).map(oom -> oom.backend().label()).orElse("none");
    }

    private static Map<String, Long> fields(Labelled each) {
        return new TreeMap<>(first(each).map(OutOfMemory::fields).orElse(Map.of()));
    }

    private static Optional<OutOfMemory> first(Labelled each) {
        return Log.read(each.message()).first();
    }
}
