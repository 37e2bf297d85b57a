package io.headroom.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "doctor",
        description = "Checks JDK, engine, devices, limits and kernels: what a bug report needs.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {" 0:everything works", " 1:something does not; the report says what", " 2:wrong usage"})
final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--json", description = "print the report as JSON")
    private boolean json;

    @Option(names = "--no-start", description = "list the kernels without starting each of them")
    private boolean noStart;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        Checkup checkup = Checkup.run(!noStart, line -> {
            if (!json) {
                err.println(line);
                err.flush();
            }
        });
        if (json) {
            out.println(new ObjectMapper()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .writeValueAsString(checkup.report()));
        } else {
            print(out, "", checkup.report());
            out.println(checkup.problems().isEmpty() ? "Everything works." : "Problems:");
            checkup.problems().forEach(problem -> out.println("  " + problem));
        }
        out.flush();
        return checkup.problems().isEmpty() ? 0 : 1;
    }

    private static void print(PrintWriter out, String indent, Map<?, ?> section) {
        section.forEach((key, value) -> {
            String name = indent + String.valueOf(key).replace('_', ' ');
            if (value instanceof Map<?, ?> inner) {
                out.println(name);
                print(out, indent + "  ", inner);
            } else if (value instanceof List<?> items) {
                out.println(name + (items.isEmpty() ? ": none" : ""));
                items.forEach(item -> out.println(indent + "  - " + line(item)));
            } else {
                out.println(name + ": " + value);
            }
        });
    }

    private static String line(Object item) {
        if (!(item instanceof Map<?, ?> map)) {
            return String.valueOf(item);
        }
        StringBuilder text = new StringBuilder();
        map.forEach((key, value) -> text.append(text.length() == 0 ? "" : ", ")
                .append(key)
                .append(' ')
                .append(value));
        return text.toString().replace('_', ' ');
    }
}
