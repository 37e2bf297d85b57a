package io.headroom.diagnosis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoopCodeTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "for (NDArray l : losses) { loss = loss.add(l); }",
                "for (int i = 0; i < 4; i++) block.add(Linear.builder().setUnits(8).build());",
                "SequentialBlock all = new SequentialBlock();\nfor (int i = 0; i < 4; i++) { all.add(layer(i)); }",
                "for (Batch b : data) { step(b); }\nlist.add(last);",
                "for (Batch b : data) { List<NDArray> parts = new ArrayList<>(); parts.add(b); }",
                "for (int i = 0; i < 4; i++) { System.out.println(\"kept.add(x);\"); } // kept.add(y);",
                "String shown = \"\"\"\n    for (;;) { kept.add(x); }\n    \"\"\";",
                "while (training) { return total.add(loss); }",
                "list.add(1)"
            })
    void ordinaryCodeKeepsNothing(String cell) {
        assertThat(LoopCode.collection(cell)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "List<NDArray> kept = new ArrayList<>();\nfor (int i = 0; i < 1000; i++) {\n    kept.add(step(i));\n}",
                "var kept = new ArrayList<NDArray>();\nwhile (true) kept.add(manager.ones(shape));",
                "List<NDArray> kept = new ArrayList<>();\nchar quote = '\"';\nfor (;;) { kept.add(ones()); }\nString a = \"\";",
                "NDList kept = new NDList(); do { if (a) { kept.add(b); } } while (c);",
                "for (int i = 0; i < 1000; i++) {\n kept.add(manager.ones(shape));\n}",
                "Map<String, NDArray> kept = new HashMap<>();\nfor (var e : all) { kept.put(e.name(), e.value()); }"
            })
    void aCollectionThatALoopFillsIsNamed(String cell) {
        assertThat(LoopCode.collection(cell)).contains("kept");
    }

    @Test
    void aLongStringNeedsNoDeepStack() {
        String cell = "for (;;) { kept.add(\"" + "ab\\n".repeat(100_000) + "\"); }";

        assertThat(LoopCode.collection(cell)).contains("kept");
    }

    @Test
    void codeThatEndsEarlyDoesNotThrow() {
        String cell = "List<NDArray> kept = new ArrayList<>(); for (int i = 0; i < 9; i++) { kept.add(\"(\");}";
        for (int end = 0; end <= cell.length(); end++) {
            LoopCode.collection(cell.substring(0, end));
        }
    }
}
