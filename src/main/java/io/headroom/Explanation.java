package io.headroom;

import io.headroom.diagnosis.Diagnosis;
import io.headroom.oom.NearMiss;
import java.util.List;
import java.util.Optional;

/**
 * What an error is: a diagnosed out-of-memory error, or none with a line on what it is instead.
 *
 * <pre>{@code
 * diagnose(text).diagnosis().ifPresent(found -> System.out.println(found.cause()));
 * }</pre>
 *
 * @param diagnosis empty where the error has nothing to do with memory
 * @param nearMisses what it looks like instead
 */
public record Explanation(Optional<Diagnosis> diagnosis, List<NearMiss> nearMisses) {
    public Explanation {
        nearMisses = List.copyOf(nearMisses);
    }

    @Override
    public String toString() {
        return Views.of(this).plain();
    }
}
