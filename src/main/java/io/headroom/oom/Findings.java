package io.headroom.oom;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads every message of a text, in order, each once. */
final class Findings {
    private static final List<Form> FORMS = Stream.of(
                    DeviceForms.ALL, LibraryForms.ALL, HostForms.ALL, JavaForms.ALL, NearMissForms.ALL)
            .flatMap(List::stream)
            .toList();
    static final Anchors ANCHORS = new Anchors(FORMS.stream().map(Form::literal).toList());

    private static final int LONGEST = 12_000;
    private static final Pattern SCRIPT_LINE =
            Pattern.compile("File \"([^\"\\n]{1,300})\", line (\\d+), in ([^\\n]{1,200})");

    private final List<OutOfMemory> failures = new ArrayList<>();
    private final List<Long> places = new ArrayList<>();
    private final List<NearMiss> nearMisses = new ArrayList<>();
    private final List<Long> nearPlaces = new ArrayList<>();
    private long next;
    /** Counts the changes: what left all as it was leaves it so again, if it is met again before the next. */
    private int version;

    /**
     * Reads a text and keeps what begins at or after {@code from} and before {@code to} of the original, which stands at
     * {@code base} of all that is read.
     */
    void add(Squeezed text, int from, int to, long base) {
        List<int[]> hits = new ArrayList<>();
        ANCHORS.search(text.text, (literal, end) -> {
            if (hits.size() < 100_000) {
                hits.add(new int[] {end - ANCHORS.length(literal), end, literal});
            }
        });
        hits.sort((a, b) -> a[0] != b[0] ? Integer.compare(a[0], b[0]) : Integer.compare(b[1], a[1]));
        Repeats repeats = new Repeats(text, hits);
        int consumed = 0;
        for (int i = 0; i < hits.size(); i++) {
            int[] hit = hits.get(i);
            if (hit[0] < consumed) {
                continue;
            }
            int at = text.at(hit[0]);
            if (at >= to) {
                break;
            }
            int limit = limit(text, hits, i);
            int before = at < from ? Repeats.UNHEEDED : version;
            if (repeats.is(i, limit, consumed, before)) {
                consumed = repeats.end(i, consumed);
                continue;
            }
            Region region = new Region(text, hit[0], hit[1], limit, consumed);
            Finding finding = FORMS.get(hit[2]).read().apply(region);
            int previousEnd = consumed;
            if (finding != null) {
                consumed = Math.max(hit[1], region.end);
                if (at >= from) {
                    add(finding, text, at, base);
                }
            }
            if (at < from || version == before) {
                repeats.read(i, previousEnd, finding == null ? Repeats.NOTHING : consumed, before);
            }
        }
    }

    private static int limit(Squeezed text, List<int[]> hits, int index) {
        int[] hit = hits.get(index);
        int limit = Math.min(text.text.length(), hit[1] + LONGEST);
        for (int j = index + 1; j < hits.size(); j++) {
            int[] next = hits.get(j);
            if (next[0] >= limit) {
                break;
            }
            if (next[0] >= hit[1] && (next[2] == hit[2] || FORMS.get(next[2]).headline())) {
                return next[0];
            }
        }
        return limit;
    }

    private void add(Finding finding, Squeezed text, int at, long base) {
        if (finding instanceof OutOfMemory oom && mayBeNew(oom)) {
            long top = base + Trace.top(text.original, at);
            int index = 0;
            while (index < places.size() && places.get(index) < top) {
                index++;
            }
            boolean cause = top < base + Lines.start(text.original, at, Trace.REACH);
            add(placed(oom, text.original, at), cause ? index : failures.size(), base + at);
        } else if (finding instanceof NearMiss near) {
            add(near, base + at);
        }
        next = Math.max(next, base + at + 1);
    }

    /** What was read elsewhere, after all that was read before. */
    void add(Finding finding) {
        if (finding instanceof OutOfMemory oom) {
            add(oom, failures.size(), next++);
        } else if (finding instanceof NearMiss near) {
            add(near, next++);
        }
    }

    private void add(NearMiss near, long place) {
        if (nearMisses.size() < Log.MOST
                && nearMisses.stream().noneMatch(other -> other.what().equals(near.what()))) {
            nearMisses.add(near);
            nearPlaces.add(place);
            version++;
        }
    }

    private void add(OutOfMemory oom, int index, long place) {
        int kill = Kill.is(oom) ? Kill.belongsTo(oom, failures) : -1;
        if (kill >= 0) {
            OutOfMemory joined = Kill.joined(failures.get(kill), oom);
            version += joined.equals(failures.set(kill, joined)) ? 0 : 1;
            return;
        }
        if (isNew(oom)) {
            failures.add(index, oom);
            places.add(index, place);
            version++;
        }
    }

    private boolean mayBeNew(OutOfMemory oom) {
        return Kill.is(oom) || isNew(oom);
    }

    private boolean isNew(OutOfMemory oom) {
        return failures.size() < Log.MOST && failures.stream().noneMatch(other -> isSame(other, oom));
    }

    Log log(long bytes) {
        long first = places.isEmpty() ? Long.MAX_VALUE : places.get(0);
        List<NearMiss> earlier = new ArrayList<>();
        for (int i = 0; i < nearMisses.size(); i++) {
            if (nearPlaces.get(i) < first) {
                earlier.add(nearMisses.get(i));
            }
        }
        return new Log(failures, nearMisses, earlier, bytes);
    }

    private static boolean isSame(OutOfMemory a, OutOfMemory b) {
        return a.allocator() == b.allocator()
                && a.wording() == b.wording()
                && (!Kill.is(a) || a.excerpt().equals(b.excerpt()))
                && a.device().equals(b.device())
                && a.sizes().equals(b.sizes())
                && a.processes().equals(b.processes());
    }

    private static OutOfMemory placed(OutOfMemory oom, String text, int end) {
        int from = Math.max(0, end - 4000);
        int here = text.substring(from, end).lastIndexOf("<--- HERE");
        if (here < 0) {
            return oom;
        }
        Matcher lines = SCRIPT_LINE.matcher(text).region(from, from + here);
        Optional<String> where = Optional.empty();
        while (lines.find()) {
            where = Optional.of(lines.group(1) + ", line " + lines.group(2) + ", in "
                    + lines.group(3).strip());
        }
        return oom.placed(where);
    }
}
