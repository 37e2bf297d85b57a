package io.headroom;

import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Arrows between the rooms point one way: the map in CONTRIBUTING.md, held. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.headroom");

    /** Each room and the rooms it names directly; whatever those may use, it may use too. */
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            Map.entry("units", Set.of()),
            Map.entry("trace", Set.of("units")),
            Map.entry("allocator", Set.of("trace", "memory")),
            Map.entry("oom", Set.of("units")),
            Map.entry("memory", Set.of("units")),
            Map.entry("model", Set.of("memory")),
            Map.entry("workload", Set.of("trace")),
            Map.entry("training", Set.of("workload", "memory")),
            Map.entry("budget", Set.of("workload", "allocator")),
            Map.entry("remedy", Set.of("budget", "training")),
            Map.entry("diagnosis", Set.of("oom", "remedy", "memory")),
            Map.entry("render", Set.of("diagnosis", "model")),
            Map.entry("widget", Set.of("render")),
            Map.entry("kernel", Set.of("widget")),
            Map.entry("cli", Set.of("render")));

    @Test
    void roomsUseOnlyTheRoomsBelowThem() {
        Set<String> wrong = new TreeSet<>();
        for (JavaClass from : CLASSES) {
            String room = room(from);
            if (room.isEmpty()) {
                continue;
            }
            Set<String> allowed = reachable(room);
            from.getDirectDependenciesFromSelf().stream()
                    .map(dependency -> dependency.getTargetClass().getBaseComponentType())
                    .filter(to -> to.getPackageName().startsWith("io.headroom"))
                    .map(ArchitectureTest::room)
                    .filter(to -> !to.equals(room) && !allowed.contains(to))
                    .forEach(to -> wrong.add(room + " → " + (to.isEmpty() ? "(root)" : to) + " in " + from.getName()));
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void noRoomIsMissingFromTheMap() {
        assertThat(CLASSES.stream().map(ArchitectureTest::room).filter(room -> !room.isEmpty()))
                .allMatch(MAY_USE::containsKey);
    }

    @Test
    void roomsAreFreeOfCycles() {
        slices().matching("io.headroom.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void onlyTheAdaptersKnowAKernel() {
        assertThat(CLASSES.stream()
                        .filter(type -> !type.getPackageName().startsWith("io.headroom.kernel."))
                        .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                        .map(dependency -> dependency.getTargetClass().getPackageName())
                        .filter(name -> name.startsWith("org.dflib") || name.startsWith("io.github.spencerpark")))
                .isEmpty();
    }

    private static Set<String> reachable(String room) {
        Set<String> all = new LinkedHashSet<>();
        Set<String> direct = MAY_USE.getOrDefault(room, Set.of());
        Stream.concat(direct.stream(), direct.stream().flatMap(next -> reachable(next).stream()))
                .forEach(all::add);
        return all;
    }

    private static String room(JavaClass type) {
        String name = type.getPackageName();
        if (name.equals("io.headroom")) {
            return "";
        }
        String rest = name.substring("io.headroom.".length());
        int dot = rest.indexOf('.');
        return dot < 0 ? rest : rest.substring(0, dot);
    }
}
