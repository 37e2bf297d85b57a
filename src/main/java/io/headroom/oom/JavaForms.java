package io.headroom.oom;

import java.util.List;
import java.util.Map;

/** The JVM's own: every {@code java.lang.OutOfMemoryError} and HotSpot's failures to get memory from the system. */
final class JavaForms {
    private static final Map<String, Wording> REASONS = Map.ofEntries(
            Map.entry(":javaheapspace", Wording.JAVA_HEAP),
            Map.entry(":gcoverheadlimit", Wording.GC_OVERHEAD),
            Map.entry(":requestedarraysize", Wording.ARRAY_LIMIT),
            Map.entry(":requiredlengthexceedsimplementationlimit", Wording.ARRAY_LIMIT),
            Map.entry(":requiredarraylength", Wording.ARRAY_LIMIT),
            Map.entry(":utf16stringsizeis", Wording.ARRAY_LIMIT),
            Map.entry(":metaspace", Wording.METASPACE),
            Map.entry(":compressedclassspace", Wording.CLASS_SPACE),
            Map.entry(":directbuffermemory", Wording.DIRECT_BUFFER),
            Map.entry(":cannotreserve", Wording.DIRECT_BUFFER),
            Map.entry(":unabletocreate", Wording.NATIVE_THREAD),
            Map.entry(":mapfailed", Wording.MAP_FAILED));

    /** What the system answered just before, where it was not memory that it lacked. */
    private static final List<String> FORBIDDEN = List.of("pthread_createfailed(eperm)", "(errno=1)");

    private static final int LONGEST_ADDRESS = 24;
    private static final int LONGEST_COUNT = 19;

    private JavaForms() {}

    static final List<Form> ALL = List.of(
            Form.headline("java.lang.outofmemoryerror", JavaForms::error),
            Form.headline("java/lang/outofmemoryerror", JavaForms::logged),
            Form.of("outofdirectmemoryerror", JavaForms::netty),
            Form.of("(s)ofdirectmemory(used:", JavaForms::nettyMessage),
            Form.of("error=12,", region -> isExec(region) ? region.as(Backend.CPU, Wording.ERRNO_12) : null),
            Form.of("javaheapspace", region -> bare(region, Wording.JAVA_HEAP)),
            Form.of("gcoverheadlimitexceeded", region -> bare(region, Wording.GC_OVERHEAD)),
            Form.of("arraysizeexceedsvmlimit", region -> bare(region, Wording.ARRAY_LIMIT)),
            shortened("metaspace", Wording.METASPACE),
            shortened("compressedclass", Wording.CLASS_SPACE),
            shortened("directbuffer", Wording.DIRECT_BUFFER),
            Form.of("outofmemoryerror:cannotreserve", JavaForms::direct),
            shortened("unabletocreate", Wording.NATIVE_THREAD),
            shortened("mapfailed", Wording.MAP_FAILED),
            Form.of("couldnotreserveenoughspacefor", region -> {
                region.after("couldnotreserveenoughspacefor", Field.REQUESTED);
                return region.as(Backend.JVM, Wording.HEAP_RESERVE);
            }),
            Form.of("failedtoallocatedefaultmemoryspace", region -> region.as(Backend.JVM, Wording.HEAP_RESERVE)),
            Form.of("failedtoinstantiateheap", region -> region.as(Backend.JVM, Wording.HEAP_RESERVE)),
            Form.of("couldnotallocatemetaspace:", region -> {
                region.after("couldnotallocatemetaspace:", Field.REQUESTED);
                return region.as(Backend.JVM, Wording.HEAP_RESERVE);
            }),
            Form.of("directbuffermemoryatjava", region -> region.as(Backend.JVM, Wording.DIRECT_BUFFER)),
            Form.of("pthread_createfailed(eagain)", region -> region.as(Backend.JVM, Wording.NATIVE_THREAD)),
            Form.of("os::commit_memory(", JavaForms::commit),
            Form.of("insufficientmemoryforthejavaruntime", JavaForms::hotspot),
            Form.of("nativememoryallocation(", JavaForms::hotspot),
            Form.of("outofswapspace?", region -> region.as(Backend.JVM, Wording.OUT_OF_SWAP)));

    /** The error's name without its package. */
    private static Form shortened(String reason, Wording wording) {
        return Form.of(
                "outofmemoryerror:" + reason,
                region -> Prose.isAdvice(region) ? null : region.as(Backend.JVM, wording));
    }

    private static Finding error(Region region) {
        return error(region, region.bodyStart);
    }

    private static Finding error(Region region, int from) {
        for (Map.Entry<String, Wording> reason : REASONS.entrySet()) {
            if (region.text.startsWith(reason.getKey(), from)) {
                region.until(reason.getKey());
                if (Prose.isAdvice(region)) {
                    return null;
                }
                return reason.getValue() == Wording.DIRECT_BUFFER
                        ? direct(region)
                        : region.as(Backend.JVM, reason.getValue());
            }
        }
        if (region.text.startsWith(":failedtoallocatea", from)) {
            region.count(":failedtoallocatea", "byteallocation", Field.REQUESTED)
                    .count("byteallocationwith", "freebytes", Field.FREE);
            return region.as(Backend.JVM, Wording.JAVA_HEAP);
        }
        int reach = Math.min(region.limit, region.bodyStart + 200);
        String said = region.text.substring(region.bodyStart, reach);
        if (said.contains("bytes(pointer.maxbytes)")
                || said.startsWith(":physicalmemoryusageistoohigh")
                || said.contains("maxphysicalbytes(")) {
            return region.as(Backend.JVM, Wording.JAVACPP_LIMIT);
        }
        if (said.contains("outofswapspace?")) {
            return region.after(":requested", Field.REQUESTED)
                    .until("outofswapspace?")
                    .as(Backend.JVM, Wording.OUT_OF_SWAP);
        }
        return Prose.isCode(region) || Prose.isMention(region) || Prose.isAdvice(region)
                ? null
                : region.as(Backend.JVM, Wording.JAVA_OTHER);
    }

    /** The reason without the error's name, as tools shorten it; a line on how full the heap is has the words too. */
    private static Finding bare(Region region, Wording wording) {
        return Prose.endsHere(region) && !Prose.isMention(region) && !Prose.isAdvice(region) && !Prose.isLiteral(region)
                ? region.as(Backend.JVM, wording)
                : null;
    }

    /** As {@code -Xlog:exceptions} writes it: {@code 'java/lang/OutOfMemoryError'{0x00000000ff8585e8}: Java heap space}. */
    private static Finding logged(Region region) {
        int brace = region.text.indexOf('}', region.bodyStart);
        boolean address = brace >= 0 && brace < region.bodyStart + LONGEST_ADDRESS;
        return error(region, address ? brace + 1 : region.bodyStart);
    }

    private static Finding direct(Region region) {
        region.after("cannotreserve", Field.REQUESTED);
        count(region, "(allocated:", ',', Field.ALLOCATED);
        count(region, ",limit:", ')', Field.MAX_ALLOWED);
        return region.as(Backend.JVM, Wording.DIRECT_BUFFER);
    }

    /** {@code failed to allocate 16777216 byte(s) of direct memory (used: 520093703, max: 536870912)}. */
    private static Finding netty(Region region) {
        region.count(":failedtoallocate", "byte(s)ofdirectmemory", Field.REQUESTED);
        Finding finding = nettyFigures(region);
        return region.sizes.isEmpty() && (Prose.isCode(region) || Prose.isMention(region)) ? null : finding;
    }

    /** The same where another exception hands the sentence on without the error's name. */
    private static Finding nettyMessage(Region region) {
        region.leading("failedtoallocate", Field.REQUESTED);
        Finding finding = nettyFigures(region);
        return region.sizes.isEmpty() ? null : finding;
    }

    private static Finding nettyFigures(Region region) {
        count(region, "(used:", ',', Field.ALLOCATED);
        count(region, ",max:", ')', Field.MAX_ALLOWED);
        return region.as(Backend.JVM, Wording.DIRECT_BUFFER);
    }

    /** {@code java.io.IOException: Cannot run program "ls": error=12, …}, the rest in the system's language. */
    private static boolean isExec(Region region) {
        String lead = region.lead(300);
        return lead.contains("cannotrunprogram") || lead.contains("java.io.ioexception:error=12,");
    }

    private static Finding commit(Region region) {
        int comma = region.text.indexOf(',', region.bodyStart);
        if (comma >= 0 && comma < region.bodyStart + 30) {
            countAt(region, comma + 1, ',', Field.REQUESTED);
        }
        region.until("(errno=12)").until("errno=1455)");
        boolean forbidden = region.trail(120).contains("(errno=1)");
        return region.as(Backend.JVM, forbidden ? Wording.NOT_PERMITTED : Wording.HOTSPOT_NATIVE);
    }

    private static Finding hotspot(Region region) {
        region.after("failedtoallocate", Field.REQUESTED)
                .after("failedtomap", Field.REQUESTED)
                .until("nativememoryallocation(");
        boolean forbidden = region.isNear(FORBIDDEN, 600, 0);
        return region.as(Backend.JVM, forbidden ? Wording.NOT_PERMITTED : Wording.HOTSPOT_NATIVE);
    }

    private static void count(Region region, String label, char end, Field field) {
        int at = region.text.indexOf(label, region.bodyStart - label.length());
        if (at >= 0 && at < region.bodyStart + 300) {
            countAt(region, at + label.length(), end, field);
        }
    }

    /** Reads digits up to the sign that ends them: without it the number may have been cut. */
    private static void countAt(Region region, int from, char end, Field field) {
        int to = from;
        while (to < region.limit && Character.isDigit(region.text.charAt(to))) {
            to++;
        }
        boolean whole = to < region.limit && region.text.charAt(to) == end;
        if (whole && to > from && to - from <= LONGEST_COUNT) {
            Size.of(region.text.substring(from, to), "b").ifPresent(size -> region.sizes.putIfAbsent(field, size));
            region.end = Math.max(region.end, to);
        }
    }
}
