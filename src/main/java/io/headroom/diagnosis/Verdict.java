package io.headroom.diagnosis;

import java.util.ArrayList;
import java.util.List;

/** A cause, how sure, and why. */
record Verdict(Cause cause, double confidence, List<String> evidence) {
    Verdict {
        evidence = List.copyOf(evidence);
    }

    static Verdict of(Cause cause, double confidence, String... evidence) {
        return new Verdict(cause, confidence, List.of(evidence));
    }

    Verdict because(String more) {
        List<String> all = new ArrayList<>(evidence);
        all.add(more);
        return new Verdict(cause, confidence, all);
    }

    Verdict atMost(double most) {
        return new Verdict(cause, Math.min(confidence, most), evidence);
    }
}
