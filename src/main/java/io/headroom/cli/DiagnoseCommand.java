package io.headroom.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.headroom.diagnosis.Advice;
import io.headroom.diagnosis.Diagnosis;
import io.headroom.diagnosis.Situation;
import io.headroom.oom.Log;
import io.headroom.render.DiagnosisCard;
import io.headroom.render.DiagnosisText;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code headroom diagnose [FILE] [--json]}: reads a log of any size for its out-of-memory errors and explains the first.
 *
 * <p>Exit 0 where one was recognised, 3 where the text holds no memory error, 2 for wrong usage, a missing file among it.
 */
@Command(
        name = "diagnose",
        mixinStandardHelpOptions = true,
        description = "Explain the out-of-memory error in a log: cause, evidence, remedies.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:an out-of-memory error was recognised", "2:wrong usage", "3:no memory error in the text"})
public final class DiagnoseCommand implements Callable<Integer> {
    private static final int RECOGNISED = 0;
    private static final int USAGE = 2;
    private static final int NO_MEMORY_ERROR = 3;
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "The log or text; standard input if left out or \"-\".")
    private Path file;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        Log log;
        try (InputStream in = open()) {
            log = Log.read(in);
        } catch (IOException e) {
            String reason = e instanceof NoSuchFileException ? "there is no such file" : e.getMessage();
            String what = isStandardInput() ? "standard input" : String.valueOf(file);
            spec.commandLine().getErr().println("diagnose: cannot read " + what + ": " + reason + ".");
            return USAGE;
        }
        Optional<Diagnosis> diagnosis = Diagnosis.of(log, Situation.unknown());
        PrintWriter out = spec.commandLine().getOut();
        out.println(json ? json(log, diagnosis) : text(log, diagnosis));
        out.flush();
        return diagnosis.isPresent() ? RECOGNISED : NO_MEMORY_ERROR;
    }

    private InputStream open() throws IOException {
        return isStandardInput() ? System.in : Files.newInputStream(file);
    }

    private boolean isStandardInput() {
        return file == null || file.toString().equals("-");
    }

    private static String text(Log log, Optional<Diagnosis> diagnosis) {
        if (log.bytes() == 0) {
            return "The text is empty: there is nothing to explain.";
        }
        return diagnosis.map(DiagnosisText::of).orElseGet(() -> DiagnosisCard.notThis(log.nearMisses())
                .plain());
    }

    private static String json(Log log, Optional<Diagnosis> diagnosis) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("recognised", diagnosis.isPresent());
        answer.put("backend", diagnosis.map(d -> d.failure().backend().label()).orElse("none"));
        answer.put("cause", diagnosis.map(d -> d.cause().label()).orElse(null));
        answer.put("confidence", diagnosis.map(Diagnosis::confidence).orElse(0.0));
        answer.put("fields", diagnosis.map(d -> d.failure().fields()).orElse(Map.of()));
        answer.put("evidence", diagnosis.map(DiagnoseCommand::evidence).orElseGet(() -> nearMisses(log)));
        answer.put(
                "remedies",
                diagnosis.map(Diagnosis::remedies).orElse(List.of()).stream()
                        .map(DiagnoseCommand::remedy)
                        .toList());
        try {
            return JSON.writeValueAsString(answer);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> evidence(Diagnosis diagnosis) {
        List<String> all = new ArrayList<>(diagnosis.evidence());
        all.addAll(diagnosis.implied());
        return all;
    }

    private static List<String> nearMisses(Log log) {
        return log.nearMisses().stream().map(near -> near.what()).toList();
    }

    private static Map<String, Object> remedy(Advice advice) {
        Map<String, Object> remedy = new LinkedHashMap<>();
        remedy.put("name", advice.name());
        remedy.put("saves_bytes", advice.saves().isPresent() ? advice.saves().getAsLong() : null);
        remedy.put("how", advice.how());
        remedy.put("cost", advice.cost());
        return remedy;
    }
}
