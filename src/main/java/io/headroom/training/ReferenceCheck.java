package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Finds data sets that hand out references instead of copies, so that samples outlive their batch and pile up.
 *
 * <p>Takes a few records under a manager of their own, closes it as {@code batch.close()} does, and looks at what is still
 * open, and at what came twice as the same array.
 *
 * <pre>{@code
 * ReferenceCheck.of(dataset, manager).throwIfAny();
 * // record 0, data 0: still open after its batch was closed …
 * }</pre>
 *
 * @param checked how many records were taken
 * @param findings one line for each array that outlives its batch; empty if there is none
 */
public record ReferenceCheck(int checked, List<String> findings) {
    private static final int RECORDS = 4;

    public ReferenceCheck {
        findings = List.copyOf(findings);
    }

    /**
     * Checks the first records of a data set, each asked for twice; closes only what belongs to the batch.
     *
     * <p>What is returned is looked at; an array that the data set keeps aside for itself is not seen.
     */
    public static ReferenceCheck of(RandomAccessDataset dataset, NDManager manager) throws IOException {
        int records = (int) Math.min(RECORDS, dataset.size());
        List<String> findings = new ArrayList<>();
        for (int i = 0; i < records; i++) {
            Record first;
            Record again;
            try (NDManager batch = manager.newSubManager()) {
                first = dataset.get(batch, i);
                again = dataset.get(batch, i);
            }
            check(findings, i, "data", first.getData(), again.getData());
            check(findings, i, "label", first.getLabels(), again.getLabels());
        }
        return new ReferenceCheck(records, findings);
    }

    /** @throws IllegalStateException if an array outlives its batch; lists them and says what to return instead */
    public void throwIfAny() {
        if (!findings.isEmpty()) {
            throw new IllegalStateException(
                    "the data set hands out references: " + String.join("; ", findings)
                            + ". Return copies that the batch owns: array.duplicate() attached to the manager given to get(…).");
        }
    }

    private static void check(List<String> findings, int record, String kind, NDList first, NDList again) {
        for (int i = 0; i < first.size(); i++) {
            String what = String.format(Locale.ROOT, "record %d, %s %d", record, kind, i);
            NDArray array = first.get(i);
            if (!array.isReleased()) {
                boolean same = i < again.size() && again.get(i) == array;
                findings.add(
                        what + ": still open after its batch was closed" + (same ? ", the same array each time" : ""));
            }
        }
    }
}
