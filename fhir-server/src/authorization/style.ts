// The look that apps are launched with: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#styling

export const stylePath = '/oauth/style.json';

/** Colours and sizes of our own pages; a client may be registered with an address of its own instead. */
export const style = {
  color_background: '#ffffff',
  color_error: '#b00020',
  color_highlight: '#005a9c',
  color_modal_backdrop: '#00000066',
  color_success: '#1b6e3c',
  color_text: '#1b1b1b',
  dim_border_radius: '4px',
  dim_font_size: '16px',
  dim_spacing_size: '16px',
  font_family_body: 'system-ui, sans-serif',
  font_family_heading: 'system-ui, sans-serif',
};
