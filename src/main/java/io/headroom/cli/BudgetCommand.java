package io.headroom.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.headroom.budget.Breakdown;
import io.headroom.budget.Estimate;
import io.headroom.budget.Formula;
import io.headroom.budget.Malloc;
import io.headroom.budget.Verdict;
import io.headroom.render.EstimateView;
import io.headroom.render.FormulaView;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import io.headroom.workload.step.Kind;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
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

    private static final ObjectMapper LINE = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "SPEC.json",
            description =
                    "The workload: a JSON object, an array of them, or one a line; keys as in docs/budget.md, with \"preset\" as in docs/gpu.md.")
    private Path file;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Option(
            names = "--limit",
            paramLabel = "SIZE",
            description = {
                "Say whether it fits: a size, as in \"9.07 GiB\", or a card, as in \"RTX 3060\".",
                "With \"preset\" or \"config\": the total of a card, the CUDA context (0.47 GiB) counted, as \"card\" in the spec.",
                "Else: what there is above the idle process or device; of a card by its name, its total less the context."
            })
    private String limit;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        try {
            Limit given = Limit.of(limit);
            String content = SpecFile.read(file);
            if (content.isBlank()) {
                throw new IllegalArgumentException(
                        file + " is empty. Write a JSON object such as {\"preset\": \"gpt2\"}.");
            }
            if (isArray(content)) {
                return answers("element ", elements(content), given, out);
            }
            if (isLines(content)) {
                return answers("line ", content.lines().toList(), given, out);
            }
            out.println(answer(parse(content, file + ", line "), given, JSON));
            out.flush();
            return 0;
        } catch (OutOfMemoryError | StackOverflowError e) {
            spec.commandLine().getErr().println("budget: " + tooMuch(e));
            return USAGE;
        } catch (IllegalArgumentException | ArithmeticException | UnsupportedOperationException e) {
            spec.commandLine().getErr().println("budget: " + e.getMessage());
            return USAGE;
        }
    }

    private String answer(Map<String, Object> workload, Limit given, ObjectMapper writer) throws IOException {
        if (PresetBudget.applies(workload)) {
            boolean alone = writer == JSON;
            return json
                    ? writer.writeValueAsString(PresetBudget.figures(workload, given, alone))
                    : PresetBudget.text(workload, given, alone);
        }
        Workload named = Workload.of(workload);
        Workload step = workload.containsKey("device")
                ? named
                : given.card().map(named::device).orElse(named);
        Estimate estimate = Estimate.of(step, Malloc.THRESHOLDS_FIXED);
        return json ? writer.writeValueAsString(figures(estimate, given.room())) : text(estimate, given.room());
    }

    /** Several objects, one a line, of which some may be broken; one object over several lines has no line that is one. */
    private static boolean isLines(String content) {
        List<String> lines = content.lines().filter(line -> !line.isBlank()).toList();
        return lines.size() > 1 && lines.stream().anyMatch(BudgetCommand::isObject) && !isObject(content);
    }

    /** An array, broken or not; where its first line is one by itself there are others after it, and each is read alone. */
    private static boolean isArray(String content) {
        return content.strip().startsWith("[")
                && (isJson(content)
                        || !isJson(content.strip().lines().findFirst().orElse("")));
    }

    private static boolean isObject(String text) {
        return text.strip().startsWith("{") && isJson(text);
    }

    private static boolean isJson(String text) {
        try {
            JSON.readTree(text);
            return true;
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    /** An answer to one line, or why there is none; with neither it found no memory beside the others and is asked again alone. */
    private record Answer(int line, String text, String error) {
        boolean crowded() {
            return text == null && error == null;
        }
    }

    /** The elements of an array, each as the text of one object. */
    private List<String> elements(String content) {
        try {
            List<String> elements = new ArrayList<>();
            boolean objects = false;
            for (JsonNode element : JSON.readTree(content)) {
                elements.add(element.toString());
                objects |= element.isObject();
            }
            if (!objects) {
                throw new IllegalArgumentException(
                        file + ", line 1: not a JSON object, and an array without one. Write an object for each step.");
            }
            return elements;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    file + ", line " + line(e) + ": not a JSON array (" + said(e)
                            + "). Write the objects between [ and ] with commas, or one a line without them.",
                    e);
        }
    }

    /** One answer a line, in the order asked, on all cores; a wrong spec is answered by its error and does not stop the others. */
    private int answers(String place, List<String> lines, Limit given, PrintWriter out) throws IOException {
        List<Answer> answers = IntStream.range(0, lines.size())
                .filter(line -> !lines.get(line).isBlank())
                .parallel()
                .mapToObj(line -> amongOthers(line + 1, lines.get(line), given))
                .toList()
                .stream()
                .map(answer -> answer.crowded() ? alone(answer.line(), lines.get(answer.line() - 1), given) : answer)
                .toList();
        int exit = 0;
        for (Answer answer : answers) {
            if (answer.error() == null) {
                out.println(answer.text());
            } else {
                exit = USAGE;
                out.println(json ? LINE.writeValueAsString(Map.of("error", answer.error())) : "");
                spec.commandLine().getErr().println("budget: " + place + answer.line() + ": " + answer.error());
            }
            if (!json) {
                out.println();
            }
        }
        out.flush();
        return exit;
    }

    private Answer amongOthers(int number, String line, Limit given) {
        try {
            return answer(number, line, given);
        } catch (OutOfMemoryError | StackOverflowError e) {
            return new Answer(number, null, null);
        }
    }

    private Answer alone(int number, String line, Limit given) {
        try {
            return answer(number, line, given);
        } catch (OutOfMemoryError | StackOverflowError e) {
            return new Answer(number, null, tooMuch(e));
        }
    }

    private static String tooMuch(Error e) {
        return e instanceof StackOverflowError
                ? "it is nested too deeply to be read. Write it flat, as in docs/budget.md."
                : "estimating it takes more than this command's heap of "
                        + Bytes.format(Runtime.getRuntime().maxMemory())
                        + ". Take fewer steps or layers, or a larger heap: HEADROOM_XMX=2g.";
    }

    private Answer answer(int number, String line, Limit given) {
        try {
            return new Answer(number, answer(parse(line, ""), given, LINE), null);
        } catch (IllegalArgumentException | ArithmeticException | UnsupportedOperationException e) {
            return new Answer(number, null, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads one object; {@code place} names the file where the number of the line is not told already. */
    private static Map<String, Object> parse(String content, String place) throws IOException {
        try {
            Map<String, Object> spec = JSON.readValue(content, new TypeReference<LinkedHashMap<String, Object>>() {});
            if (spec == null) {
                throw new IllegalArgumentException(place + "1: null is not a JSON object.");
            }
            return spec;
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    (place.isEmpty() ? "" : place + line(e) + ": ") + "not a JSON object (" + said(e) + ").", e);
        }
    }

    private static int line(JsonProcessingException e) {
        return e.getLocation() == null ? 0 : e.getLocation().getLineNr();
    }

    /** What Jackson says, in the words of JSON. */
    private static String said(JsonProcessingException e) {
        String told = e.getOriginalMessage();
        if (told.startsWith("Duplicate field")) {
            return told.replace("Duplicate field", "the key") + " is there twice: keep one";
        }
        if (told.startsWith("Trailing token")) {
            return "something follows its closing brace: write one object a line, or an array of them";
        }
        if (told.startsWith("Non-standard token")) {
            return told.replaceAll("Non-standard token ('.*?').*", "$1 is no number in JSON");
        }
        if (told.contains("maybe a (non-standard) comment")) {
            return "JSON knows no comments";
        }
        if (told.startsWith("Unexpected character ('}'") || told.startsWith("Unexpected character (']'")) {
            return told + "; JSON knows no comma before a closing brace";
        }
        return told.replaceAll(" \\(start marker at \\[.*?]\\)", "")
                .replaceAll("Cannot deserialize value of type `.*?` from (\\w+) value.*", "it is one of $1");
    }

    private static String text(Estimate estimate, long limitBytes) {
        String elsewhere = EstimateView.whereMallocIsAsItComes(estimate.workload(), limitBytes);
        String table = EstimateView.of(estimate, limitBytes).plain() + (elsewhere.isEmpty() ? "" : "\n  " + elsewhere);
        return estimate.workload().has(io.headroom.workload.Option.HEADS)
                ? table + "\n\n" + FormulaView.of(Formula.of(estimate)).plain()
                : table;
    }

    private static Map<String, Object> figures(Estimate estimate, long limitBytes) {
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("parameters", estimate.parameters());
        figures.put("weights_bytes", estimate.weightsBytes());
        figures.put("gradients_bytes", estimate.gradientsBytes());
        figures.put("optimizer_bytes", estimate.optimizerBytes());
        figures.put("activations_bytes", estimate.activationsBytes());
        if (estimate.kvCacheBytes() > 0) {
            figures.put("kv_cache_bytes", estimate.kvCacheBytes());
        }
        figures.put("peak_allocated_bytes", estimate.peakAllocatedBytes());
        figures.put("peak_reserved_bytes", estimate.peakReservedBytes());
        figures.put("device_bytes", estimate.deviceBytes());
        figures.put("upper_bytes", estimate.upperBytes());
        if (estimate.missRate().isPresent()) {
            figures.put(
                    "upper_bytes_malloc_as_it_comes",
                    Estimate.of(estimate.workload(), Malloc.AS_IT_COMES).upperBytes());
        }
        figures.put("peak_phase", estimate.peakPhase());
        figures.put("peak_operator", estimate.peakOperator());
        if (limitBytes > 0) {
            figures.put("limit_bytes", limitBytes);
            figures.put("verdict", Verdict.of(estimate, limitBytes).toString());
            if (estimate.missRate().isPresent()) {
                Estimate there = Estimate.of(estimate.workload(), Malloc.AS_IT_COMES);
                figures.put(
                        "verdict_malloc_as_it_comes",
                        Verdict.of(there, limitBytes).toString());
            }
        }
        Map<String, Long> phases = new LinkedHashMap<>();
        estimate.peakByPhase().forEach((phase, bytes) -> phases.put(phase.title(), bytes));
        figures.put("peak_by_phase", phases);
        Breakdown breakdown = estimate.breakdown();
        figures.put("peak_by_layer", parts(breakdown.byLayer()));
        figures.put("peak_by_operator", parts(breakdown.byOperator()));
        return figures;
    }

    private static List<Map<String, Object>> parts(List<Breakdown.Part> parts) {
        return parts.stream()
                .map(part -> {
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("name", part.name());
                    row.put("bytes", part.bytes());
                    row.put("activations_bytes", part.bytes(Kind.ACTIVATIONS));
                    return row;
                })
                .toList();
    }
}
