package io.headroom.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.headroom.budget.Estimate;
import io.headroom.budget.Formula;
import io.headroom.render.EstimateView;
import io.headroom.render.FormulaView;
import io.headroom.units.Bytes;
import io.headroom.workload.Architecture;
import io.headroom.workload.Workload;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code headroom budget SPEC.json [--json] [--limit SIZE]}: what one step of a workload needs.
 *
 * <p>Exit 0 with an estimate, 2 for a spec that cannot be read or does not hold together.
 */
@Command(
        name = "budget",
        mixinStandardHelpOptions = true,
        description = "Estimate the memory of one training or inference step.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:estimated", "2:wrong usage or a wrong spec"})
public final class BudgetCommand implements Callable<Integer> {
    private static final int USAGE = 2;
    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SPEC.json", description = "The workload: one JSON object, keys as in docs/budget.md.")
    private Path file;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Option(names = "--limit", paramLabel = "SIZE", description = "Say whether it fits, as in \"9.07 GiB\".")
    private String limit;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        try {
            long bytes = limit == null ? 0 : Bytes.parse(limit);
            Estimate estimate = Estimate.of(Workload.of(read()));
            out.println(json ? JSON.writeValueAsString(figures(estimate)) : text(estimate, bytes));
            out.flush();
            return 0;
        } catch (IllegalArgumentException | ArithmeticException | UnsupportedOperationException e) {
            spec.commandLine().getErr().println("budget: " + e.getMessage());
            return USAGE;
        }
    }

    private Map<String, Object> read() throws IOException {
        try {
            return JSON.readValue(Files.readString(file), new TypeReference<LinkedHashMap<String, Object>>() {});
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("cannot read " + file + ": there is no such file.", e);
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
            throw new IllegalArgumentException(
                    file + ", line " + line + ": not a JSON object (" + e.getOriginalMessage()
                            + "). JSON knows no comments and no comma before a closing brace.",
                    e);
        }
    }

    private static String text(Estimate estimate, long limitBytes) {
        String table = EstimateView.of(estimate, limitBytes).plain();
        return estimate.workload().architecture() == Architecture.TRANSFORMER
                ? table + "\n\n" + FormulaView.of(Formula.of(estimate)).plain()
                : table;
    }

    private static Map<String, Object> figures(Estimate estimate) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("parameters", estimate.parameters());
        figures.put("weights_bytes", estimate.weightsBytes());
        figures.put("gradients_bytes", estimate.gradientsBytes());
        figures.put("optimizer_bytes", estimate.optimizerBytes());
        figures.put("activations_bytes", estimate.activationsBytes());
        figures.put("peak_allocated_bytes", estimate.peakAllocatedBytes());
        figures.put("peak_reserved_bytes", estimate.peakReservedBytes());
        figures.put("device_bytes", estimate.deviceBytes());
        figures.put("upper_bytes", estimate.upperBytes());
        figures.put("peak_phase", estimate.peakPhase());
        figures.put("peak_operator", estimate.peakOperator());
        return figures;
    }
}
