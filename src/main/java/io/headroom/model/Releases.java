package io.headroom.model;

import io.headroom.memory.Reading;
import java.util.AbstractList;
import java.util.List;
import java.util.OptionalLong;

/**
 * What releasing every loaded model gave back, model by model in the order they were loaded; unmodifiable.
 *
 * <pre>{@code
 * Releases releases = Models.releaseAll();
 * releases.returned();   // OptionalLong[…]: bytes the resident set fell by
 * releases.held();       // the notebook variables that still reach open arrays
 * }</pre>
 */
public final class Releases extends AbstractList<ReleaseReport> {
    private final List<ReleaseReport> reports;

    Releases(List<ReleaseReport> reports) {
        this.reports = List.copyOf(reports);
    }

    @Override
    public ReleaseReport get(int index) {
        return reports.get(index);
    }

    @Override
    public int size() {
        return reports.size();
    }

    /** The process after the last release. */
    public Reading after() {
        return isEmpty() ? Reading.now() : reports.get(size() - 1).after();
    }

    /** Bytes the process grew by when the models were loaded; absent where the system does not say. */
    public OptionalLong added() {
        return reports.stream().allMatch(report -> report.added().isPresent())
                ? OptionalLong.of(reports.stream()
                        .mapToLong(report -> report.added().getAsLong())
                        .sum())
                : OptionalLong.empty();
    }

    /** Bytes the resident set fell by over all releases; absent where the system does not say. */
    public OptionalLong returned() {
        if (isEmpty()) {
            return OptionalLong.of(0);
        }
        OptionalLong before = reports.get(0).before().rss();
        OptionalLong after = after().rss();
        return before.isPresent() && after.isPresent()
                ? OptionalLong.of(before.getAsLong() - after.getAsLong())
                : OptionalLong.empty();
    }

    /** Bytes that loading had added and the releases did not bring back, never below 0. */
    public OptionalLong stayed() {
        return added().isPresent() && returned().isPresent()
                ? OptionalLong.of(Math.max(0, added().getAsLong() - returned().getAsLong()))
                : OptionalLong.empty();
    }

    /** Devices' memory before the first release and after the last; none where no device is used. */
    public List<DeviceChange> devices() {
        return isEmpty() ? List.of() : DeviceChange.between(reports.get(0).before(), after());
    }

    /** Notebook variables that still reach open arrays once all models are gone, largest first. */
    public List<Holder> held() {
        return isEmpty() ? List.of() : reports.get(size() - 1).held();
    }

    /** A line for each model, their sum, and who holds what did not come back. */
    @Override
    public String toString() {
        if (isEmpty()) {
            return "No model is loaded.";
        }
        StringBuilder text = new StringBuilder();
        reports.forEach(report -> text.append(report.summary()).append('\n'));
        if (size() > 1 && returned().isPresent()) {
            text.append("all ")
                    .append(size())
                    .append(" released: ")
                    .append(ReleaseReport.came(added(), returned()))
                    .append('\n');
        }
        devices().forEach(device -> text.append("  ").append(device).append('\n'));
        held().forEach(holder -> text.append("  ").append(holder).append('\n'));
        return text.toString().stripTrailing();
    }
}
