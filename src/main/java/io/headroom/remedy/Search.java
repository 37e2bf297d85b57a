package io.headroom.remedy;

import io.headroom.budget.Estimate;
import io.headroom.remedy.Cost.Accuracy;
import io.headroom.remedy.Cost.Risk;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One search among the remedies of one workload; no workload is estimated twice. Not safe for several threads. */
final class Search {
    private final Workload workload;
    private final List<Ladder> ladders;
    private final Map<Workload, Estimate> known = new HashMap<>();

    Search(Workload workload) {
        this.workload = workload;
        this.ladders = Ladder.of(workload);
    }

    Plan asItIs() {
        return plan(Map.of());
    }

    Optional<Plan> cheapest(long limitBytes) {
        Plan asItIs = asItIs();
        if (asItIs.fits(limitBytes)) {
            return Optional.of(asItIs);
        }
        int tried = 0;
        for (Accuracy accuracy : Accuracy.values()) {
            for (Risk risk : Risk.values()) {
                Map<Ladder, Integer> strongest = strongest(accuracy, risk);
                if (strongest.size() == tried) {
                    continue;
                }
                tried = strongest.size();
                Map<Ladder, Integer> useful = useful(strongest);
                if (plan(useful).fits(limitBytes)) {
                    return Optional.of(plan(mildest(useful, limitBytes)));
                }
            }
        }
        return Optional.empty();
    }

    Plan smallest() {
        Map<Ladder, Integer> useful = useful(strongest(Accuracy.MAY_FALL, Risk.HIGH));
        return plan(mildest(useful, plan(useful).estimate().upperBytes()));
    }

    private Map<Ladder, Integer> strongest(Accuracy accuracy, Risk risk) {
        Map<Ladder, Integer> chosen = new LinkedHashMap<>();
        ladders.stream()
                .filter(ladder -> ladder.within(accuracy, risk))
                .forEach(ladder -> chosen.put(ladder, ladder.last()));
        return chosen;
    }

    /** Leaves out what makes the peak no smaller: beside stronger ones a remedy may only cost, as its copies do. */
    private Map<Ladder, Integer> useful(Map<Ladder, Integer> strongest) {
        Map<Ladder, Integer> useful = new LinkedHashMap<>(strongest);
        long peak = plan(useful).estimate().upperBytes();
        for (Ladder ladder : dearest(strongest)) {
            Map<Ladder, Integer> without = new LinkedHashMap<>(useful);
            without.remove(ladder);
            long rest = plan(without).estimate().upperBytes();
            if (rest <= peak) {
                useful = without;
                peak = rest;
            }
        }
        return useful;
    }

    private static List<Ladder> dearest(Map<Ladder, Integer> chosen) {
        List<Ladder> dearest = new ArrayList<>(chosen.keySet());
        Collections.reverse(dearest);
        dearest.sort(Ladder.DEARER.reversed());
        return dearest;
    }

    /**
     * Weakens what is needed and leaves out what is not, the dearest first, until nothing more can be left out: a peak may
     * fall when a remedy that only costs goes, so one round is not enough.
     */
    private Map<Ladder, Integer> mildest(Map<Ladder, Integer> strongest, long limitBytes) {
        Map<Ladder, Integer> chosen;
        Map<Ladder, Integer> needed = needed(strongest, limitBytes);
        do {
            chosen = needed;
            for (Ladder ladder : dearest(chosen)) {
                weaken(chosen, ladder, limitBytes);
            }
            needed = needed(chosen, limitBytes);
        } while (needed.size() < chosen.size());
        return chosen;
    }

    private Map<Ladder, Integer> needed(Map<Ladder, Integer> strongest, long limitBytes) {
        Map<Ladder, Integer> needed = new LinkedHashMap<>(strongest);
        for (Ladder ladder : dearest(strongest)) {
            Map<Ladder, Integer> without = new LinkedHashMap<>(needed);
            without.remove(ladder);
            if (plan(without).fits(limitBytes)) {
                needed = without;
            }
        }
        return needed;
    }

    private void weaken(Map<Ladder, Integer> chosen, Ladder ladder, long limitBytes) {
        int low = -1;
        int high = chosen.get(ladder);
        while (high - low > 1) {
            int middle = (low + high) >>> 1;
            chosen.put(ladder, middle);
            if (plan(chosen).fits(limitBytes)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        chosen.put(ladder, high);
    }

    /** Each ladder at its rung, or at the strongest below it that still applies after those before it. */
    private Plan plan(Map<Ladder, Integer> chosen) {
        List<Remedy> applied = new ArrayList<>();
        Workload after = workload;
        for (Map.Entry<Ladder, Integer> entry : chosen.entrySet()) {
            for (int rung = entry.getValue(); rung >= 0; rung--) {
                Remedy remedy = entry.getKey().rungs().get(rung);
                if (remedy.appliesTo(after)) {
                    after = remedy.apply(after);
                    applied.add(remedy);
                    break;
                }
            }
        }
        return new Plan(workload, applied, after, known.computeIfAbsent(after, Estimate::of));
    }
}
