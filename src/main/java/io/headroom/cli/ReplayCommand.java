package io.headroom.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.headroom.allocator.AllocatorSettings;
import io.headroom.allocator.Fidelity;
import io.headroom.allocator.Footprint;
import io.headroom.allocator.Hole;
import io.headroom.allocator.OomPoint;
import io.headroom.allocator.ProcessCap;
import io.headroom.allocator.Source;
import io.headroom.allocator.WhatIf;
import io.headroom.budget.Device;
import io.headroom.render.ReplayView;
import io.headroom.trace.SnapshotFormatException;
import io.headroom.units.Bytes;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code headroom replay SNAPSHOT [--conf STRING]… [--limit SIZE] [--total SIZE] [--recorded STRING] [--device N] [--json]}:
 * replays a recorded run (or a trace as text) under other allocator settings and says which survives.
 *
 * <p>Exit 0 done, 1 a fault of the replay, 2 wrong usage (a missing file, a malformed setting), 3 the file is no memory snapshot.
 */
@Command(
        name = "replay",
        mixinStandardHelpOptions = true,
        description = "Replay a PyTorch CUDA memory snapshot under other allocator settings.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:replayed", "1:a fault of the replay", "2:wrong usage", "3:the file is no memory snapshot"})
public final class ReplayCommand implements Callable<Integer> {
    private static final int USAGE = 2;
    private static final int NO_SNAPSHOT = 3;
    private static final int FAULT = 1;
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SNAPSHOT", description = "A pickle of torch.cuda.memory._snapshot(), or a trace as text.")
    private Path file;

    @Option(
            names = "--conf",
            paramLabel = "STRING",
            description = "Settings to try, as for PYTORCH_CUDA_ALLOC_CONF; may be repeated. A common set if left out.")
    private List<String> confs;

    @Option(
            names = "--limit",
            paramLabel = "SIZE",
            description = "What PyTorch can have, such as \"44 GiB\"; what the recorded failure tells if left out.")
    private String limit;

    @Option(
            names = "--recorded",
            paramLabel = "STRING",
            description =
                    "The settings the run had, where the snapshot cannot tell: before PyTorch 2.3 none, never the fraction"
                            + " of set_per_process_memory_fraction (write per_process_memory_fraction:0.5).")
    private String recorded;

    @Option(
            names = "--total",
            paramLabel = "SIZE",
            description = "The size of the card, of which a memory fraction is a share.")
    private String total;

    @Option(
            names = "--device",
            paramLabel = "N",
            description = "The device; if left out one that ran out of memory, then the one with most events.")
    private Integer device;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        WhatIf whatIf;
        try {
            WhatIf.Given given = new WhatIf.Given(
                    size(limit),
                    size(total),
                    Optional.ofNullable(recorded).map(AllocatorSettings::parse),
                    device == null ? OptionalInt.empty() : OptionalInt.of(device));
            whatIf = WhatIf.of(file, given, confs == null ? WhatIf.CANDIDATES : confs, stage -> {});
        } catch (SnapshotFormatException e) {
            return fail(e.getMessage(), NO_SNAPSHOT);
        } catch (NoSuchFileException e) {
            return fail("cannot read " + e.getMessage(), USAGE);
        } catch (IOException | IllegalArgumentException e) {
            return fail(e.getMessage(), USAGE);
        } catch (OutOfMemoryError e) {
            return fail(
                    "the trace does not fit this JVM's heap of "
                            + Bytes.format(Runtime.getRuntime().maxMemory())
                            + ": set HEADROOM_XMX=2g and run it again.",
                    USAGE);
        } catch (IllegalStateException e) {
            return fail("the replay itself failed, which is a fault of Headroom: " + e.getMessage(), FAULT);
        }
        var out = spec.commandLine().getOut();
        out.println(json ? json(whatIf) : ReplayView.of(whatIf).plain());
        out.flush();
        return 0;
    }

    private int fail(String message, int code) {
        spec.commandLine().getErr().println("replay: " + message);
        return code;
    }

    private static OptionalLong size(String text) {
        return text == null ? OptionalLong.empty() : OptionalLong.of(Bytes.parse(text));
    }

    private static String json(WhatIf whatIf) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("device", whatIf.trace().device());
        answer.put("allocations", whatIf.trace().allocations());
        answer.put("events", whatIf.trace().events());
        answer.put("skipped", whatIf.trace().skipped());
        answer.put("recorded_conf", whatIf.recorded().conf());
        answer.put("limit_bytes", number(whatIf.limit()));
        answer.put("died", whatIf.died());
        answer.put("reproduced", whatIf.reproduces());
        answer.put("smallest_limit_bytes", number(whatIf.smallestLimitAsItWas()));
        answer.put("smallest_limit_best_bytes", number(whatIf.smallestLimit()));
        answer.put("beginning_lost", whatIf.missesFailure());
        whatIf.smallestLimit().stream()
                .boxed()
                .findFirst()
                .flatMap(Device::smallestCard)
                .ifPresent(card -> answer.put("smallest_card", card.name()));
        answer.put(
                "cap",
                whatIf.source().flatMap(Source::cap).map(ReplayCommand::cap).orElse(null));
        answer.put(
                "private_pool_bytes", whatIf.source().map(Source::privatePools).orElse(0L));
        answer.put(
                "fidelity",
                whatIf.source()
                        .flatMap(Source::fidelity)
                        .map(ReplayCommand::fidelity)
                        .orElse(null));
        answer.put("recommended", whatIf.recommended().map(WhatIf.Row::change).orElse(null));
        answer.put(
                "hole",
                whatIf.hole().or(() -> lost(whatIf)).map(ReplayCommand::hole).orElse(null));
        answer.put("rows", whatIf.rows().stream().map(ReplayCommand::row).toList());
        answer.put("notes", ReplayView.notes(whatIf));
        try {
            return JSON.writeValueAsString(answer);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Long number(OptionalLong bytes) {
        return bytes.isPresent() ? bytes.getAsLong() : null;
    }

    private static Optional<Hole> lost(WhatIf whatIf) {
        return whatIf.missesFailure()
                ? whatIf.source().flatMap(Source::refused).map(Source.Refused::hole)
                : Optional.empty();
    }

    private static Map<String, Object> cap(ProcessCap cap) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("least_bytes", cap.least());
        map.put("most_bytes", cap.most());
        map.put("free_bytes", cap.free());
        map.put("tried_bytes", cap.tried());
        return map;
    }

    private static Map<String, Object> fidelity(Fidelity fidelity) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("exact", fidelity.isExact());
        map.put("allocations", fidelity.allocations());
        map.put("segment_events", fidelity.segmentEvents());
        map.put("first_divergence", fidelity.first().map(Object::toString).orElse(null));
        map.put("reserved_bytes", fidelity.reserved());
        map.put("recorded_reserved_bytes", fidelity.recordedReserved());
        return map;
    }

    private static Map<String, Object> row(WhatIf.Row row) {
        Footprint footprint = row.footprint();
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("change", row.change());
        map.put("conf", footprint.settings().conf());
        map.put("recorded", row.recorded());
        map.put("approximate", row.approximate());
        map.put("survives", row.survives());
        map.put("peak_reserved_bytes", footprint.peakReserved().bytes());
        map.put("peak_allocated_bytes", footprint.peakAllocated().bytes());
        map.put("fragmentation", footprint.fragmentation());
        map.put("retries", footprint.statistics().numAllocRetries());
        map.put("oom", footprint.oom().map(ReplayCommand::oom).orElse(null));
        map.put("how", row.how());
        return map;
    }

    private static Map<String, Object> hole(Hole hole) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("largest_bytes", hole.size());
        map.put("requested_bytes", hole.requested());
        map.put("before", hole.before().map(Object::toString).orElse(null));
        map.put("after", hole.after().map(Object::toString).orElse(null));
        return map;
    }

    private static Map<String, Object> oom(OomPoint point) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("event", point.event());
        map.put("requested_bytes", point.requested());
        map.put("tried_bytes", point.tried());
        map.put("allocated_bytes", point.allocated());
        map.put("reserved_bytes", point.reserved());
        map.put("free_bytes", point.free());
        map.put("largest_hole_bytes", point.largestHole());
        map.put("operator", point.operator());
        map.put("phase", point.phase());
        return map;
    }
}
