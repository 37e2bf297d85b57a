package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.oom.Labelled;
import io.headroom.oom.Log;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Causes against labels: right where the thread told the cause, and hardly ever sure of a wrong one. */
class LabelledCausesTest {
    @Test
    void causesAgreeWithWhatThreadsFound() {
        List<Labelled> told = failures().stream().filter(Labelled::isFromThread).toList();
        long right = told.stream().filter(LabelledCausesTest::isRight).count();

        assertThat(right / (double) told.size()).isGreaterThanOrEqualTo(told.size() < 50 ? 0.7 : 0.85);
    }

    @Test
    void aSureCauseIsHardlyEverWrong() {
        List<Labelled> all = failures();
        long sureAndWrong = all.stream()
                .filter(labelled -> !isRight(labelled) && diagnosis(labelled).confidence() > 0.8)
                .count();

        assertThat(sureAndWrong / (double) all.size()).isLessThanOrEqualTo(0.02);
    }

    private static List<Labelled> failures() {
        return Labelled.all().stream()
                .filter(labelled -> !labelled.backend().equals("none"))
                .toList();
    }

    private static boolean isRight(Labelled labelled) {
        return diagnosis(labelled).cause().label().equals(labelled.cause());
    }

    private static Diagnosis diagnosis(Labelled labelled) {
        return Diagnosis.of(Log.read(labelled.message()), Situation.unknown()).orElseThrow();
    }
}
