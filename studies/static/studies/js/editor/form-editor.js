/** @type {any} json-editor has no types */
const JSONEditor = Reflect.get(globalThis, "JSONEditor");

/**
 * A choice between kinds of items, or between a value and none. json-editor chooses the kind by validating against all
 * of them, and takes the first one if a value is not valid yet. Here the value itself determines its kind.
 */
class KindEditor extends JSONEditor.defaults.editors.multiple {
  build() {
    super.build();
    this.validators = this.types.map((/** @type {any} */ type) => {
      const schema = this.jsoneditor.expandRefs(typeof type === "string" ? { type } : type);
      return {
        validate: (/** @type {any} */ value) => (fits(schema, value) ? [] : [schema]),
        fitTest: (/** @type {any} */ value) => ({ match: Number(fits(schema, value)), extra: 0, i: 0 }),
      };
    });
  }
}
JSONEditor.defaults.editors.multiple = KindEditor;

/** @type {WeakSet<object>} */
const filling = new WeakSet();

/**
 * A list. json-editor reads all entries again whenever a field of one of them is set, so that filling a list takes
 * quadratic time. Here they are read once, when the whole list is filled.
 */
class ListEditor extends JSONEditor.defaults.editors.array {
  /** @param {any[]} [value] @param {boolean} [initial] */
  setValue(value, initial) {
    filling.add(this);
    super.setValue(value, initial);
    filling.delete(this);
  }

  /** @param {any} editor @param {any} eventData */
  onChildEditorChange(editor, eventData) {
    if (!filling.has(this)) super.onChildEditorChange(editor, eventData);
  }
}
JSONEditor.defaults.editors.array = ListEditor;
Object.assign(JSONEditor.defaults.languages.en, {
  button_add_row_title: "Add {{0}}",
  button_delete_row_title: "Remove {{0}}",
  button_object_properties: "Add or remove a value",
  button_properties: "Add or remove a value",
  button_delete_node_warning: "Remove this? You can undo it.",
});

/**
 * @param {HTMLElement} holder
 * @param {Record<string, any>} schema
 * @returns {Promise<any>} a json-editor that is ready
 */
export async function formEditor(holder, schema) {
  const editor = new JSONEditor(holder, {
    schema,
    theme: "barebones",
    iconlib: null,
    ajax: false,
    disable_edit_json: true,
    disable_properties: true,
    disable_array_delete_all_rows: true,
    disable_array_delete_last_row: true,
    remove_empty_properties: true,
    required_by_default: false,
    show_errors: "never",
    prompt_before_delete: false,
    remove_button_labels: false,
  });
  await editor.promise;
  return editor;
}

/** @param {any} schema @param {any} value @returns {boolean} whether a value is of the kind that a schema describes */
function fits(schema, value) {
  if (schema.const !== undefined) return value === schema.const;
  switch (schema.type) {
    case "null":
      return value === null || value === undefined;
    case "object":
      return typeof value === "object" && value !== null && [undefined, value.type].includes(kindOf(schema));
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === schema.type;
  }
}

/** @param {any} schema @returns {string | undefined} the value of `type` in items of this kind, if they have one */
function kindOf(schema) {
  return schema.properties?.type?.const;
}
