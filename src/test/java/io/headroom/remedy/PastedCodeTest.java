package io.headroom.remedy;

import static org.assertj.core.api.Assertions.assertThat;

import io.headroom.kernel.Imports;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Workload;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/** What a card or a plan gives to paste compiles beside the names a DJL training has. */
class PastedCodeTest {
    private static final List<Workload> WORKLOADS = List.of(
            Workload.transformer()
                    .batch(64)
                    .nodes(25)
                    .seq(80)
                    .heads(8)
                    .dModel(128)
                    .layers(2)
                    .features(7)
                    .training(OptimizerKind.ADAM),
            Workload.mlp().batch(4096).dModel(1024).layers(4).training(OptimizerKind.ADAM),
            Workload.cnn().batch(64).training(OptimizerKind.ADAM),
            Workload.lstm().batch(256).seq(128).training(OptimizerKind.ADAM));

    private static final String NAMES =
            """
            Model model; DefaultTrainingConfig config; Trainer trainer; Batch batch; NDManager manager; NDArray input, loss, data, labels, sample, label;
            NDList predictions; int[] lengths;
            ArrayDataset dataset; ArrayDataset.Builder builder; io.headroom.model.LoadedModel age;
            """;

    @Test
    void everyRemedyOfTheCatalogueCompiles() {
        Set<String> snippets = new LinkedHashSet<>();
        for (Workload workload : WORKLOADS) {
            Remedies.all().stream()
                    .filter(remedy -> remedy.appliesTo(workload))
                    .map(remedy -> remedy.how(workload))
                    .filter(how -> !how.matches("(?s)[A-Z_0-9]+=.*"))
                    .forEach(snippets::add);
        }
        assertThat(snippets).hasSizeGreaterThan(15);
        compile(snippets);
    }

    @Test
    void severalRemediesMakeOneTrainer() {
        Remedy all = Remedies.lora(8)
                .then(Remedies.halfPrecision())
                .then(Remedies.chunkedAttention(8))
                .then(Remedies.checkpointing(2))
                .then(Remedies.accumulate(4));
        String how = all.how(WORKLOADS.get(0));
        assertThat(how.lines().filter(line -> line.startsWith("Trainer trainer =")))
                .containsExactly("Trainer trainer = HeadroomTrainer.of(model, config).halfPrecision();");
        assertThat(how).containsSubsequence("Lora.of", "ChunkedAttention.of", "Checkpointing.of", "HeadroomTrainer.of");
        assertThat(how).containsSubsequence("HeadroomTrainer.of", "MicroBatches.train", "lora.merge");
        compile(Set.of(how));
    }

    @Test
    void everyPlanOfAFrontierCompiles() {
        Set<String> snippets = new LinkedHashSet<>();
        for (Workload workload : WORKLOADS) {
            Plans.frontier(workload).plans().forEach(plan -> snippets.add(plan.how()));
        }
        compile(snippets);
    }

    private static void compile(Set<String> snippets) {
        List<String> all = List.copyOf(snippets);
        StringBuilder source = new StringBuilder(Imports.standard(
                        "import static io.headroom.Headroom.*;",
                        "import io.headroom.budget.cuda.*;",
                        "import io.headroom.remedy.*;",
                        "import io.headroom.training.*;",
                        "import io.headroom.units.Bytes;",
                        "import io.headroom.workload.*;",
                        "import io.headroom.workload.preset.*;")
                .stream()
                .collect(Collectors.joining("\n")));
        source.append("\nclass Pasted {\n").append(NAMES);
        for (int i = 0; i < all.size(); i++) {
            boolean returns = all.get(i).contains("return ");
            source.append(returns ? "Object" : "void")
                    .append(" paste")
                    .append(i)
                    .append("() throws Exception {\n")
                    .append(all.get(i))
                    .append("\n}\n");
        }
        source.append("}\n");
        DiagnosticCollector<JavaFileObject> told = new DiagnosticCollector<>();
        ToolProvider.getSystemJavaCompiler()
                .getTask(
                        null,
                        null,
                        told,
                        List.of("-proc:none", "-implicit:none", "-d", "target"),
                        null,
                        List.of(file(source)))
                .call();
        List<String> errors = new ArrayList<>();
        for (Diagnostic<?> diagnostic : told.getDiagnostics()) {
            if (diagnostic.getKind() == Diagnostic.Kind.ERROR) {
                errors.add(source.toString()
                                .lines()
                                .skip(diagnostic.getLineNumber() - 1)
                                .findFirst()
                                .orElse("") + "   ← " + diagnostic.getMessage(null));
            }
        }
        assertThat(errors).isEmpty();
    }

    private static JavaFileObject file(CharSequence source) {
        return new SimpleJavaFileObject(URI.create("string:///Pasted.java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
                return source;
            }
        };
    }
}
